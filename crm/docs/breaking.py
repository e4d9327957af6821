"""What in a new OpenAPI document breaks a client of the old one.

A client sends what the old document allows and reads what it promises. So a request may take more and never less, an
answer may hold more and never less. A new value of an enum in an answer breaks nobody: clients are told to expect some.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Break", "breaks"]

Schema = dict[str, Any]
METHODS = ("get", "put", "post", "patch", "delete", "options", "head")
LOW, HIGH = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")
FIXED = ("pattern", "format")


class Break(NamedTuple):
    """One thing that fails for a client: where (an operation, or a component and its property), and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"`{self.where}`: {self.what}"


def breaks(old: Schema, new: Schema) -> list[Break]:
    """Return what breaks for a client that knows `old` and meets `new`, each once."""
    comparison = Comparison(old, new)
    return list(dict.fromkeys([*comparison.operations(), *comparison.events()]))


@dataclass
class Comparison:
    """Two documents side by side; components that refer to one another in circles are compared once."""

    old: Schema
    new: Schema
    seen: set[tuple[str, str]] = field(default_factory=set)

    def operations(self) -> Iterator[Break]:
        """Compare every operation of the old document."""
        for path, methods in self.old["paths"].items():
            for method in METHODS:
                if method in methods:
                    there = self.new["paths"].get(path, {}).get(method)
                    where = f"{method.upper()} {path}"
                    yield from self.operation(where, methods[method], there) if there else [Break(where, "is gone")]

    def events(self) -> Iterator[Break]:
        """Compare every event that the old document's webhooks tell of."""
        for name, methods in self.old.get("webhooks", {}).items():
            there, where = self.new.get("webhooks", {}).get(name, {}), f"event {name}"
            for method, old in methods.items():
                yield from self.event(where, old, there[method]) if method in there else [Break(where, "is gone")]

    def event(self, where: str, old: Schema, new: Schema) -> Iterator[Break]:
        """Compare what a receiver gets: it reads a request as others read an answer."""
        for _, name in self.by_name(self.old, old).keys() - self.by_name(self.new, new).keys():
            yield Break(where, f"lacks the header {name}")
        for kind, content in old["requestBody"]["content"].items():
            there = new["requestBody"]["content"].get(kind)
            if there is None:
                yield Break(where, f"is no longer {kind}")
            else:
                yield from self.given(where, content["schema"], there["schema"])

    def operation(self, where: str, old: Schema, new: Schema) -> Iterator[Break]:
        if more := set(new.get("x-scopes", ())) - set(old.get("x-scopes", ())):
            yield Break(where, f"takes the scope {', '.join(sorted(more))}")
        yield from self.parameters(where, self.by_name(self.old, old), self.by_name(self.new, new))
        yield from self.body(where, old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            if status.startswith("2"):
                yield from self.answer(f"{where} {status}", answer, new["responses"].get(status))

    def by_name(self, document: Schema, operation: Schema) -> dict[tuple[str, str], Schema]:
        found = [resolved(document, item)[0] for item in operation.get("parameters", ())]
        return {(item["in"], item["name"]): item for item in found}

    def parameters(self, where: str, old: dict[Any, Schema], new: dict[Any, Schema]) -> Iterator[Break]:
        for name, item in old.items():
            if name not in new:
                yield Break(where, f"no longer takes {name[1]}")
                continue
            yield from self.taken(f"{where} {name[1]}", item["schema"], new[name]["schema"])
        for name, item in new.items():
            if item.get("required") and not old.get(name, {}).get("required"):
                yield Break(where, f"requires {name[1]}")

    def body(self, where: str, old: Schema | None, new: Schema | None) -> Iterator[Break]:
        if new is None:
            if old is not None:
                yield Break(where, "no longer takes a body")
            return
        if old is None:
            if new.get("required"):
                yield Break(where, "requires a body")
            return
        for kind, content in old["content"].items():
            if kind not in new["content"]:
                yield Break(where, f"no longer takes {kind}")
            else:
                yield from self.taken(f"{where} body", content["schema"], new["content"][kind]["schema"])

    def answer(self, where: str, old: Schema, new: Schema | None) -> Iterator[Break]:
        if new is None:
            yield Break(where, "is answered no more")
            return
        for name in old.get("headers", {}).keys() - new.get("headers", {}).keys():
            yield Break(where, f"lacks the header {name}")
        for kind, content in old.get("content", {}).items():
            there = new.get("content", {}).get(kind)
            if there is None:
                yield Break(where, f"is no longer {kind}")
            else:
                yield from self.given(where, content["schema"], there["schema"])

    # A schema of what comes in: the new one must take all that the old one took.

    def taken(self, where: str, old: Schema, new: Schema) -> Iterator[Break]:
        sides = self.sides("taken", where, old, new)
        if sides is None:
            return
        where, old, new = sides
        if less := kinds(old) - kinds(new):
            yield Break(where, f"takes no {', '.join(sorted(less))}")
        if "enum" in new and (less := set(map(str, old.get("enum", ["any text"]))) - set(map(str, new["enum"]))):
            yield Break(where, f"takes no {', '.join(sorted(less))}")
        yield from self.bounds(where, old, new)
        required = set(new.get("required", ())) - set(old.get("required", ()))
        yield from (Break(f"{where}.{name}", "is required") for name in sorted(required))
        there = new.get("properties", {})
        for name, part in old.get("properties", {}).items():
            if name in there:
                yield from self.taken(f"{where}.{name}", part, there[name])
            elif new.get("additionalProperties") is False:
                yield Break(f"{where}.{name}", "is taken no more")
        if "items" in old and "items" in new:
            yield from self.taken(f"{where}[]", old["items"], new["items"])

    def bounds(self, where: str, old: Schema, new: Schema) -> Iterator[Break]:
        for name in LOW:
            if name in new and new[name] > old.get(name, float("-inf")):
                yield Break(where, f"has the {name} {new[name]}")
        for name in HIGH:
            if name in new and new[name] < old.get(name, float("inf")):
                yield Break(where, f"has the {name} {new[name]}")
        for name in FIXED:
            if name in new and new[name] != old.get(name) and not alternatives(old.get(name)) < alternatives(new[name]):
                yield Break(where, f"has the {name} {new[name]}")

    # A schema of what goes out: the new one must promise all that the old one promised.

    def given(self, where: str, old: Schema, new: Schema) -> Iterator[Break]:
        sides = self.sides("given", where, old, new)
        if sides is None:
            return
        where, old, new = sides
        if more := kinds(new) - kinds(old):
            yield Break(where, f"may be {', '.join(sorted(more))}")
        there = new.get("properties", {})
        for name, part in old.get("properties", {}).items():
            if name not in there:
                yield Break(f"{where}.{name}", "is gone")
                continue
            if name in old.get("required", ()) and name not in new.get("required", ()):
                yield Break(f"{where}.{name}", "may be missing")
            yield from self.given(f"{where}.{name}", part, there[name])
        if "items" in old and "items" in new:
            yield from self.given(f"{where}[]", old["items"], new["items"])

    def sides(self, way: str, where: str, old: Schema, new: Schema) -> tuple[str, Schema, Schema] | None:
        """Return both schemas without references, and where they stand; None for a component that was compared."""
        old, name = resolved(self.old, old)
        new, _ = resolved(self.new, new)
        if not name:
            return where, old, new
        if (way, name) in self.seen:
            return None
        self.seen.add((way, name))
        return name, old, new


def alternatives(pattern: str | None) -> set[str]:
    """Return what `^(a|b)$` lets pass, one by one; nothing of patterns of other forms."""
    inside = (pattern or "").removeprefix("^(").removesuffix(")$")
    found = set(inside.split("|")) if pattern == f"^({inside})$" else set()
    return found if all(part.count("(") == part.count(")") for part in found) else set()


def resolved(document: Schema, part: Schema) -> tuple[Schema, str]:
    """Return a part of a document without its reference, and the name of the component that it refers to."""
    for group in ("oneOf", "anyOf", "allOf"):
        if group in part:
            inner = next(item for item in part[group] if item.get("type") != "null")
            found, name = resolved(document, inner)
            nullable = any(item.get("type") == "null" for item in part[group])
            return ({**found, "type": sorted({*kinds(found), "null"})} if nullable else found), name
    if "$ref" not in part:
        return part, ""
    *_, group, name = part["$ref"].split("/")
    return document["components"][group][name], name


def kinds(schema: Schema) -> set[str]:
    """Return the JSON types that a schema allows; a number takes whole ones too."""
    found = schema.get("type", ["array", "boolean", "integer", "null", "number", "object", "string"])
    names = {found} if isinstance(found, str) else set(found)
    return names | {"integer"} if "number" in names else names
