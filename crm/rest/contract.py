"""What a published contract decides about the wire: a frozen description that the router hands to every view."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from apikeys.credentials import KEY, SESSION
from crm.rest.pages import OffsetPages, Paging
from crm.rest.problems import ErrorShape, ObjectErrors

__all__ = ["CANONICAL", "Contract"]

NAMES = re.compile(r"\{(\w+)\}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One face of the API. Adding a face is adding one of these; no view asks which one it speaks for.

    `resources` names what it exposes (None: all), `hidden` the actions of a resource that it leaves out. `words` maps
    canonical words, singular and plural, to the contract's own; it holds for fields, scopes, events and paths alike,
    never inside JSON that belongs to the user. `credentials` are the kinds it takes (key, session), and `limits` what a
    kind of them has in a window where that is neither the plan's nor its own: `{"session": {"hour": 100}}`.
    """

    name: str
    title: str
    description: str = ""
    version: str = "1.0.0"
    mounts: tuple[str, ...] = ()
    resources: tuple[str, ...] | None = None
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    camel: bool = False
    credentials: tuple[str, ...] = (KEY,)
    tenant_header: str = "X-Organization-Id"
    tenant_required: bool = False
    paging: Paging = field(default_factory=OffsetPages)
    errors: ErrorShape = field(default_factory=ObjectErrors)
    codes: Mapping[str, str] = field(default_factory=dict, hash=False)
    windows: tuple[str, ...] = ("minute", "day")
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict, hash=False)
    update_methods: tuple[str, ...] = ("put", "patch")
    deleted_message: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)

    def wire(self, name: str) -> str:
        """Return the contract's form of a canonical name: `client_id` may be `customerId`."""
        return translate(name, tuple(self.words.items()), self.camel)

    def word(self, name: str) -> str:
        """Return a canonical resource or event name in the contract's vocabulary, without its case."""
        return translate(name, tuple(self.words.items()), False)

    def path(self, dotted: str) -> str:
        """Return a dotted path, like `line_items.0.client_id`, with each step in the contract's form."""
        return ".".join(self.wire(step) for step in dotted.split("."))

    def say(self, sentence: str) -> str:
        """Return a sentence with the canonical names in its {braces} in the contract's form."""
        return NAMES.sub(lambda found: self.wire(found[1]), sentence)

    def canonical(self, word: str) -> str:
        """Return the canonical name that event() made into `word`; other words stay as they are."""
        names = {mine: name for name, mine in self.words.items()}
        steps = (
            names.get(step) or "_".join(names.get(part, part) for part in step.split("_")) for step in word.split(".")
        )
        return ".".join(steps)

    def scope(self, scope: str) -> str:
        """Return a stored scope in the contract's vocabulary."""
        resource, _, action = scope.partition(":")
        return f"{self.word(resource)}:{action}"

    def event(self, type: str) -> str:
        """Return an event's type in the contract's vocabulary."""
        return ".".join(self.word(step) for step in type.split("."))

    def code(self, code: str) -> str:
        """Return an error code as this contract spells it."""
        return self.codes.get(code, code)


@lru_cache(maxsize=4096)
def translate(name: str, words: tuple[tuple[str, str], ...], camel: bool) -> str:
    """Return `name`, a snake_case name, with its words exchanged and its case set."""
    vocabulary = dict(words)
    steps = [vocabulary.get(step, step) for step in name.split("_")]
    if not camel:
        return "_".join(steps)
    joined = "_".join(steps).split("_")
    return joined[0] + "".join(step.capitalize() for step in joined[1:])


# The names as the models have them: what the ledger keeps, whoever asked.
CANONICAL = Contract(name="canonical", title="Canonical", credentials=(KEY, SESSION))
