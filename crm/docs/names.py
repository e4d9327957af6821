"""Names of operations and components, made of a resource's and an action's words: listClients, ClientCreate."""

import re
from typing import Any

__all__ = ["camel", "described", "operation_id", "pascal", "snake", "summary", "title"]

# How the six standard actions are called, and what a person reads above them.
VERBS = {
    "list": ("list", "List {many}"),
    "create": ("create", "Create {one}"),
    "retrieve": ("get", "Get {one}"),
    "partial_update": ("update", "Update {one}"),
    "update": ("replace", "Replace fields of {one}"),
    "destroy": ("delete", "Delete {one}"),
    "upsert": ("upsert", "Create or update {one}"),
    "batch": ("batch", "Change many {many} at once"),
}
PUT_IS_PARTIAL = "PUT is as partial as PATCH: what the body leaves out stays as it is."


def pascal(name: str) -> str:
    """Return `line_item` as LineItem."""
    return "".join(step.capitalize() for step in name.split("_"))


def camel(name: str) -> str:
    """Return `line_item` as lineItem."""
    first, _, rest = name.partition("_")
    return first + pascal(rest)


def snake(name: str) -> str:
    """Return LineItem as `line_item`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def title(name: str) -> str:
    """Return `line_items` as "Line items"."""
    return name.replace("_", " ").capitalize()


def operation_id(view: Any, method: str) -> str:
    """Return the name of the view's action for programs: a verb, the resource, and the rest of the action's name."""
    one, many = view.contract.word(view.resource), view.contract.word(view.plural)
    if view.action in VERBS:
        verb = VERBS[view.action][0]
        return verb + pascal(many if view.action in ("list", "batch") else one)
    verb, rest = verb_of(view.action, method)
    return verb + pascal(one) + pascal(rest)


def verb_of(action: str, method: str) -> tuple[str, str]:
    """Split an extra action's name into its verb and the rest: `mark_paid`, and `status`, which PATCH sets."""
    nouns = {"GET": "list" if action.endswith("s") else "get", "PATCH": "set", "PUT": "set"}
    if method in nouns:
        return nouns[method], action
    verb, _, rest = action.partition("_")
    return verb, rest


def summary(view: Any, method: str) -> str:
    """Return the name of the view's action for people."""
    one, many = view.contract.word(view.resource).replace("_", " "), view.contract.word(view.plural).replace("_", " ")
    known = {"one": f"{article(one)} {one}", "many": many}
    if view.action in VERBS:
        return VERBS[view.action][1].format_map(known)
    verb, rest = verb_of(view.action, method)
    # A plural is what the record has: its members are added, not it.
    if method in ("GET", "PATCH", "PUT") or rest.endswith("s"):
        return f"{verb.capitalize()} {known['one']}'s {rest.replace('_', ' ')}"
    return " ".join(filter(None, [verb.capitalize(), known["one"], rest.replace("_", " ")]))


def described(view: Any, method: str) -> str:
    """Return what the action does, as its docstring says it, in Markdown and in the contract's own words."""
    doc = getattr(view, view.action).__doc__ or ""
    paragraphs = [" ".join(part.split()) for part in doc.split("\n\n")]
    if method == "PUT" and view.action == "update":
        paragraphs.append(PUT_IS_PARTIAL)
    one = view.contract.word(view.resource).replace("_", " ")
    text: str = view.contract.say("\n\n".join(filter(None, paragraphs)))
    return text.replace("a record", f"{article(one)} {one}").replace("record", one)


def article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"
