"""Scopes: their grammar, the names other documents give them, and whether a set of them allows a thing."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

__all__ = ["ACTIONS", "Category", "UnknownScope", "allows", "catalogue", "normalise", "powerful", "register"]

ACTIONS = ("read", "write", "delete", "admin")
EVERYTHING = "*:admin"
# Names that other contracts use for a resource, and verbs they use for an action.
RESOURCE_ALIASES = {"customers": "clients", "estimates": "quotes", "services": "products", "users": "team"}
ACTION_ALIASES = {"manage": "admin"}
GRAMMAR = re.compile(r"[a-z][a-z0-9_]*(:[a-z][a-z0-9_]*)?|\*(:[a-z*]+)?", re.ASCII)


class UnknownScope(ValueError):
    """The text is no scope of this installation; the message says which ones there are."""


@dataclass(frozen=True)
class Category:
    """The scopes of one resource, for forms and pages."""

    resource: str
    label: str
    actions: tuple[str, ...]
    note: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(f"{self.resource}:{action}" for action in self.actions)


_categories: dict[str, Category] = {}


def register(category: Category) -> None:
    """Make the scopes of a resource known; called once for each when Kith starts."""
    _categories[category.resource] = category


def catalogue() -> tuple[Category, ...]:
    """Return every resource's scopes, in the order of registration."""
    return tuple(_categories.values())


def normalise(names: Iterable[str]) -> list[str]:
    """Return the stored form of `names`, sorted and each once; raise UnknownScope, never ignore one."""
    return sorted({canonical(name.strip()) for name in names if name.strip()})


def canonical(name: str) -> str:
    """Return the one stored form of a scope: `read:customers` and `clients:read` are both `clients:read`."""
    if not GRAMMAR.fullmatch(name):
        raise unknown(name)
    if name in ("*", "admin", "*:*", EVERYTHING):
        return EVERYTHING
    left, _, right = name.partition(":")
    if not right:
        return f"*:{left}" if left in ACTIONS else fail(name)
    # Documents write both `clients:read` and `read:clients`: the side that is an action decides.
    if left in ACTIONS or left in ACTION_ALIASES:
        left, right = right, left
    resource, action = RESOURCE_ALIASES.get(left, left), ACTION_ALIASES.get(right, right)
    if action == "*":
        action = "admin"
    if resource == "*" and action in ACTIONS:
        return f"*:{action}"
    if resource not in _categories or action not in (*_categories[resource].actions, "admin"):
        raise unknown(name)
    return f"{resource}:{action}"


def allows(granted: Collection[str], needed: str) -> bool:
    """Tell whether the stored scopes `granted` allow `needed`; none implies another, admin apart."""
    resource, _, action = needed.partition(":")
    wanted = (needed, f"*:{action}", f"{resource}:admin", EVERYTHING)
    return any(scope in granted for scope in wanted)


def powerful(scopes: Collection[str]) -> list[str]:
    """Return the scopes that let a key do everything to a resource, or to all of them."""
    return [scope for scope in scopes if scope == "admin" or scope.endswith(":admin")]


def fail(name: str) -> str:
    raise unknown(name)


def unknown(name: str) -> UnknownScope:
    known = ", ".join([*ACTIONS, *(scope for category in catalogue() for scope in category.scopes)])
    return UnknownScope(f"Unknown scope {name!r}. Known scopes: {known}.")
