"""The base of every public DTO: fields by hand, names by contract, references inside the tenant."""

import copy
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from threading import local
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import models
from rest_framework import serializers

from crm import standards
from crm.rest import fields as own
from crm.rest.contract import CANONICAL, Contract

__all__ = ["References", "ResourceSerializer", "Shape", "bind", "reader", "reworded", "words_of"]


# A body of a megabyte holds a hundred thousand unknown names: nobody reads more than these.
MAX_NAMED = 20
S = TypeVar("S", bound="ResourceSerializer")


class References:
    """The ids of other records in one body: noted on the first pass, looked up together, refused on a second."""

    def __init__(self) -> None:
        self.wanted: dict[Any, set[UUID]] = {}
        self.missing: dict[Any, set[UUID]] = {}

    def refuses(self, model: Any, value: UUID) -> bool:
        self.wanted.setdefault(model, set()).add(value)
        return value in self.missing.get(model, ())

    def look_up(self, tenant: Any) -> bool:
        """Look every noted id up, one statement a model; tell whether one of them is not there."""
        for model, values in self.wanted.items():
            found = set(model.objects.of(tenant).filter(pk__in=values).values_list("pk", flat=True))
            self.missing[model] = values - found
        return any(self.missing.values())


class ResourceSerializer(serializers.ModelSerializer[Any]):
    """A resource's public shape. `Meta.fields` lists it one by one; its contract names it on the wire.

    `Meta.fixed` names the fields that only a new record takes: a change may repeat them, and not move them.
    """

    contract: ClassVar[Contract] = CANONICAL
    # The fields that the contract leaves out.
    without: ClassVar[tuple[str, ...]] = ()
    # Canonical names of which a record must have at least one.
    any_of: ClassVar[tuple[str, ...]] = ()
    # The canonical name of an opaque field that takes in what the shape does not have; without it that is refused.
    extras: ClassVar[str] = ""
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: own.StrictChar,
        models.TextField: own.StrictChar,
        models.EmailField: standards.EmailField,
        models.URLField: standards.UrlField,
        models.BooleanField: own.StrictBoolean,
        models.IntegerField: own.StrictInteger,
        models.PositiveIntegerField: own.StrictInteger,
        models.PositiveSmallIntegerField: own.StrictInteger,
    }
    serializer_choice_field = own.StrictChoice

    def get_fields(self) -> dict[str, Any]:
        """Return the fields under the contract's names; `source` keeps the canonical one."""
        contract = self.naming
        found = {}
        for name, field in canonical_fields(type(self)).items():
            if name in self.without or (self.partial and name in fixed(self)):
                continue
            wire = contract.wire(name)
            found[wire] = copy.deepcopy(field)
            found[wire].help_text = contract.say(str(field.help_text or ""))
            if wire != name and field.source is None:
                found[wire].source = name
        return found

    @property
    def naming(self) -> Contract:
        """The contract of the outermost serializer: nested ones speak as it does."""
        contract = getattr(self.root, "contract", None) or self.contract
        return contract if contract is not CANONICAL else self.contract

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Validate; at the root, references are looked up after the first pass, and refused by name on a second."""
        if self.root is not self:
            return super().run_validation(data)
        context: Any = self._context
        references = context["references"] = References()
        context["contract"] = self.naming
        value = super().run_validation(data)
        if references.look_up(self.context["tenant"]):
            value = super().run_validation(data)
        return value

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated body under canonical names; raise for names not of this shape, or gather them."""
        data = gathered(self, data) if self.extras else data
        if self.partial:
            data = without_fixed(self, data)
        refuse_unknown(self, data)
        value = super().to_internal_value(data)
        return value if self.root is self else {**value, **lacking(self, data)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes; raise where neither they nor the record they change have one of `any_of`."""
        if self.any_of and not any(attrs.get(name, getattr(self.instance, name, None)) for name in self.any_of):
            names = " or ".join(f"{{{name}}}" for name in self.any_of)
            raise self.invalid(self.any_of[0], f"At least one is required: {names}.")
        return attrs

    def invalid(self, name: str, message: str) -> serializers.ValidationError:
        """Return the error of one field, under the contract's name for it, to raise from validate()."""
        return serializers.ValidationError({self.naming.wire(name): [self.naming.say(message)]})


@lru_cache(maxsize=1024)
def canonical_fields(kind: type[ResourceSerializer]) -> dict[str, Any]:
    """Return the fields that DRF derives from the class, once: doing it each time costs more than all else."""
    return serializers.ModelSerializer.get_fields(kind())


class Kept(local):
    """The serializers that this thread has made, to be used again."""

    def __init__(self) -> None:
        self.made: dict[tuple[type, bool], Any] = {}


_kept = Kept()


def reader(kind: type[S], data: Any, *, record: Any = None, context: Mapping[str, Any]) -> S:
    """Return a serializer that reads `data`, as a change of `record` where there is one; only until the next is asked.

    Its fields are made once a thread: making them takes longer than all that they do.
    """
    key = (kind, record is not None)
    found: Any = _kept.made.get(key)
    if found is None:
        found = _kept.made[key] = kind(None, partial=record is not None)
    for name in ("_validated_data", "_errors"):
        vars(found).pop(name, None)
    vars(found).update(instance=record, initial_data=data, _context=dict(context))
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=1024)
def bind(kind: type[S], contract: Contract, without: tuple[str, ...] = ()) -> type[S]:
    """Return `kind` speaking as `contract` does, without some of its fields."""
    attributes = {"contract": contract, "without": without, "__doc__": kind.__doc__, "__module__": kind.__module__}
    return type(kind.__name__, (kind,), attributes)


def fixed(serializer: Any) -> Sequence[str]:
    return getattr(serializer.Meta, "fixed", ())


def without_fixed(serializer: Any, data: Any) -> Any:
    """Return the body of a change without what is fixed; raise where it would move that."""
    names = {serializer.naming.wire(name) for name in fixed(serializer)}
    if not names or not isinstance(data, Mapping) or names.isdisjoint(data):
        return data
    shown = type(serializer)(serializer.instance).data
    if moved := [name for name in data if name in names and data[name] != shown[name]]:
        raise serializers.ValidationError({name: ["Fixed when it was made."] for name in moved})
    return {name: value for name, value in data.items() if name not in names}


def refuse_unknown(serializer: Any, data: Any) -> None:
    """Raise for names that the shape does not have, the first MAX_NAMED, each with the nearest name or all of them."""
    strangers = [name for name in data if name not in serializer.fields] if isinstance(data, Mapping) else []
    if not strangers:
        return
    known = [name for name, field in serializer.fields.items() if not field.read_only]
    nearest = {name: get_close_matches(name, known, n=1) for name in strangers[:MAX_NAMED]}
    hints = {
        name: f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}." for name, close in nearest.items()
    }
    raise serializers.ValidationError({name: [f"Unknown field. {hint}"] for name, hint in hints.items()})


def gathered(serializer: Any, data: Any) -> Any:
    """Return the body with the names that the shape does not have inside its field for extras."""
    if not isinstance(data, Mapping):
        return data
    name = serializer.naming.wire(serializer.extras)
    known = {known for known, field in serializer.fields.items() if known != name and not field.read_only}
    others = {key: value for key, value in data.items() if key not in known}
    return {**{key: value for key, value in data.items() if key in known}, **({name: others} if others else {})}


def lacking(serializer: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of what `data` leaves out; raise for what it must have.

    DRF asks neither of a structure inside a partial update; but such a structure is replaced as a whole.
    """
    absent = {name: field for name, field in serializer.fields.items() if name not in data and not field.read_only}
    if missing := {name: [field.error_messages["required"]] for name, field in absent.items() if field.required}:
        raise serializers.ValidationError(missing)
    return {
        field.source: copy.copy(field.default) for field in absent.values() if field.default is not serializers.empty
    }


class Shape(serializers.Serializer[Any]):
    """A structure kept in one JSON column: stored whole under canonical names, shown under the contract's."""

    def get_fields(self) -> dict[str, Any]:
        found = {}
        for name, field in super().get_fields().items():
            wire = self.naming.wire(name)
            if wire != name:
                field.source = name
            field.help_text = self.naming.say(str(field.help_text or ""))
            found[wire] = field
        return found

    @property
    def naming(self) -> Contract:
        return getattr(self.root, "contract", CANONICAL)

    def to_internal_value(self, data: Any) -> Any:
        """Return every field of the structure, those not sent as null; raise for unknown names."""
        refuse_unknown(self, data)
        sent = super().to_internal_value(data) | lacking(self, data)
        return {field.source: sent.get(field.source) for field in self.known_fields}

    def to_representation(self, instance: Mapping[str, Any]) -> dict[str, Any]:
        return {field.field_name: instance.get(field.source) for field in self.known_fields}

    @property
    def known_fields(self) -> list[Any]:
        return list(self.fields.values())


def words_of(serializer: Any) -> dict[str, Any]:
    """Return, for each canonical name of a bound shape, its name in the contract and the words of what is inside it."""
    contract, found = serializer.naming, {}
    kind: Any = type(serializer)
    own = serializers.Serializer.get_fields(serializer) if isinstance(serializer, Shape) else None
    for name in own or canonical_fields(kind):
        field = serializer.fields.get(contract.wire(name))
        child = getattr(field, "child", field)
        inner = words_of(child) if isinstance(child, ResourceSerializer | Shape) else None
        found[name] = (contract.wire(name), inner)
    return found


def reworded(value: Any, words: Mapping[str, Any]) -> Any:
    """Return a snapshot, kept in canonical words, in those of a contract; the user's own JSON stays as it is."""
    if isinstance(value, list):
        return [reworded(item, words) for item in value]
    if not isinstance(value, dict):
        return value
    known = ((*words.get(name, (name, None)), item) for name, item in value.items())
    return {name: reworded(item, inner) if inner else item for name, inner, item in known}
