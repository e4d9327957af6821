"""Fields of a key: its masked form, its scopes in the contract's words, its networks, and its end."""

from collections.abc import Collection
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from django.db.models import F, TextField, Value
from django.db.models.functions import Concat
from django.utils import timezone
from rest_framework import serializers

from apikeys.models import validate_network
from apikeys.scopes import ACTIONS, UnknownScope, catalogue, normalise
from crm.rest.contract import Contract
from crm.rest.fields import StrictChar, TagsField
from crm.rest.reading import Conversion

__all__ = ["EndField", "MaskedField", "NetworksField", "ScopesField", "spoken"]

EVERYWHERE = "*:"


def spoken(scope: str, contract: Contract) -> str:
    """Return a stored scope as the contract says it: `*:read` is `read`."""
    return scope.removeprefix(EVERYWHERE) if scope.startswith(EVERYWHERE) else contract.scope(scope)


class MaskedField(StrictChar):
    """As much of a key as recognises it; nobody can read more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"read_only": True, "source": "masked", **kwargs})

    def conversion(self) -> Conversion:
        return Conversion(expression=masked)


def masked(prefix: str) -> Any:
    """Return ApiKey.masked, for PostgreSQL."""
    return Concat(F(f"{prefix}prefix"), Value("…"), F(f"{prefix}last4"), output_field=TextField())


class ScopesField(TagsField):
    """What a key may do: names that any document uses come in, the contract's go out."""

    default_error_messages = {
        "empty": "A key needs at least one scope.",
        "unknown": "Unknown: {unknown}. Known: {known}.",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the stored forms; raise with all names that are no scopes."""
        contract = self.context["contract"]
        names = {name: ":".join(map(contract.canonical, name.split(":"))) for name in super().to_internal_value(data)}
        if not names:
            self.fail("empty")
        if unknown := [name for name, scope in names.items() if not is_scope(scope)]:
            known = [*ACTIONS, *(contract.scope(scope) for category in catalogue() for scope in category.scopes)]
            self.fail("unknown", unknown=", ".join(unknown), known=", ".join(known))
        return normalise(names.values())

    def to_representation(self, value: Collection[str]) -> list[str]:
        parent: Any = self.parent
        return [spoken(scope, parent.naming) for scope in value]

    def conversion(self) -> Conversion:
        return Conversion(self.to_representation, self.to_representation, self.to_representation)


def is_scope(name: str) -> bool:
    try:
        return bool(normalise([name]))
    except UnknownScope:
        return False


class NetworksField(TagsField):
    """Networks in CIDR form, or single addresses."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"child": StrictChar(max_length=43, validators=[validate_network]), **kwargs})

    def to_internal_value(self, data: Any) -> list[str]:
        return [str(ip_network(text, strict=False)) for text in super().to_internal_value(data)]

    def conversion(self) -> Conversion:
        return Conversion()


class EndField(serializers.DateTimeField):
    """A time to come."""

    default_error_messages = {"past": "Must be a time to come."}

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if moment <= timezone.now():
            self.fail("past")
        return moment
