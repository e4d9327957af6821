"""What a published contract decides about the wire: a frozen description that the router hands to every view."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from apikeys.credentials import KEY, SESSION
from crm.errors import Problem
from crm.rest.pages import OffsetPages, Paging

__all__ = ["CANONICAL", "BareErrors", "Contract", "ErrorShape", "ObjectErrors", "TextErrors"]

NAMES = re.compile(r"\{(\w+)\}", re.ASCII)


class ErrorShape(Protocol):
    """How a contract prints a problem."""

    def body(self, problem: Problem, contract: "Contract", request_id: str) -> dict[str, Any]: ...


@dataclass(frozen=True)
class ObjectErrors:
    """`{"success": false, "error": {"code", "message", "details", "request_id"}}`."""

    def body(self, problem: Problem, contract: "Contract", request_id: str) -> dict[str, Any]:
        details = detailed(problem, contract)
        if problem.fields:
            details = {"field": next(iter(problem.fields)), "fields": dict(problem.fields), **details}
        error = {
            "code": contract.code(problem.code),
            "message": problem.message,
            "details": details,
            "request_id": request_id,
        }
        return {"success": False, "error": error}


@dataclass(frozen=True)
class TextErrors:
    """`{"success": false, "error": "<message>", "code", "details": {name: "<message>"}}`."""

    def body(self, problem: Problem, contract: "Contract", request_id: str) -> dict[str, Any]:
        details = {name: " ".join(messages) for name, messages in problem.fields.items()} | detailed(problem, contract)
        body = {"success": False, "error": problem.message, "code": contract.code(problem.code)}
        return body | ({"details": details} if details else {})


@dataclass(frozen=True)
class BareErrors:
    """`{"error": "<code>", "message", "details": [{"field", "message"}]}`."""

    def body(self, problem: Problem, contract: "Contract", request_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {"error": contract.code(problem.code), "message": problem.message}
        # A body that cannot even be read is refused as a whole.
        fields = problem.fields or ({"body": [problem.message]} if problem.status == 400 else {})
        details = [{"field": name, "message": " ".join(messages)} for name, messages in fields.items()]
        return body | ({"details": details} if details else {})


def detailed(problem: Problem, contract: "Contract") -> dict[str, Any]:
    return {contract.wire(name): value for name, value in problem.details.items()}


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One face of the API. Adding a face is adding one of these; no view asks which one it speaks for.

    `resources` names what it exposes (None: all) but those `excluded`, `hidden` the actions of a resource that it
    leaves out, `without` its fields. `words` maps canonical names, or the words in them, singular and plural, to the
    contract's own; it holds for fields, scopes, events and paths alike, never inside JSON that belongs to the user.
    `shape_status` is the answer to a body that is JSON and no object.

    `credentials` are the kinds it takes (key, session), and `limits` what a kind of them has in a window where that is
    neither the plan's nor its own: `{"session": {"hour": 100}}`.

    `only` names the actions of a resource where it publishes just these, `paths` where a resource stands if not under
    its own word, `shapes` the serializer of a resource where it is the contract's own. `views` are classes laid over
    each of its views, for what words and shapes cannot say: who may come in, and what browsers are told. `address` is
    where its mounts stand, {slug} being the tenant's; empty, they stand on every host. `maturity` is a label for each
    resource in the reference, by plural name, and "" one for all others.
    """

    name: str
    title: str
    description: str = ""
    # A chapter of its own in the guide, as Markdown.
    guide: str = ""
    version: str = "1.0.0"
    mounts: tuple[str, ...] = ()
    resources: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    paths: Mapping[str, str] = field(default_factory=dict, hash=False)
    shapes: Mapping[str, type] = field(default_factory=dict, hash=False)
    views: tuple[type, ...] = ()
    address: str = ""
    maturity: Mapping[str, str] = field(default_factory=dict, hash=False)
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    scopes: str = "{resource}:{action}"
    # Its own words for what a scope allows.
    actions: Mapping[str, str] = field(default_factory=dict, hash=False)
    camel: bool = False
    credentials: tuple[str, ...] = (KEY,)
    tenant_header: str = "X-Organization-Id"
    tenant_required: bool = False
    paging: Paging = field(default_factory=OffsetPages)
    errors: ErrorShape = field(default_factory=ObjectErrors)
    codes: Mapping[str, str] = field(default_factory=dict, hash=False)
    # What it says instead of the usual sentence, by canonical code.
    sentences: Mapping[str, str] = field(default_factory=dict, hash=False)
    # Whether its answers begin with `"success": true`.
    flagged: bool = True
    windows: tuple[str, ...] = ("minute", "day")
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict, hash=False)
    update_methods: tuple[str, ...] = ("put", "patch")
    deleted_message: bool = False
    shape_status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_plain(self) -> bool:
        """Whether every name is said as the models have it."""
        return not (self.words or self.camel)

    def exposes(self, plural: str) -> bool:
        """Tell whether the contract has a resource."""
        return plural not in self.excluded and (self.resources is None or plural in self.resources)

    def publishes(self, plural: str, action: str) -> bool:
        """Tell whether the contract has an action of a resource."""
        return action not in self.hidden.get(plural, ()) and action in self.only.get(plural, (action,))

    def envelope(self, **parts: Any) -> dict[str, Any]:
        """Return the body of a successful answer."""
        return {"success": True, **parts} if self.flagged else parts

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
        return self.scopes.format(resource=self.word(resource), action=self.actions.get(action, action))

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
    steps = [vocabulary[name]] if name in vocabulary else [vocabulary.get(step, step) for step in name.split("_")]
    if not camel:
        return "_".join(steps)
    joined = "_".join(steps).split("_")
    return joined[0] + "".join(step.capitalize() for step in joined[1:])


# The names as the models have them: what the ledger keeps, whoever asked.
CANONICAL = Contract(name="canonical", title="Canonical", credentials=(KEY, SESSION))
