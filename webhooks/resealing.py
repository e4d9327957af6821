"""Under which keys the secrets in the database are sealed, and sealing them anew under the first one of the ring."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db import connections

from tenants.actor import Actor
from tenants.routing import STAFF, using
from tenants.scope import tenant_scope
from webhooks.endpoints import note
from webhooks.models import Endpoint
from webhooks.secrets import KEY_ID_LENGTH, Unreadable, key_ids, seal, unseal

__all__ = ["LABEL", "PLACES", "Damaged", "keys_in_use", "reseal", "stale"]

BATCH = 500
LABEL = "rotate_encryption"
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """A column of sealed texts; `recorded` where the ledger's net wants an event for each change of a row."""

    table: str
    column: str
    recorded: bool = False


PLACES = (Place("webhooks_endpointsecret", "sealed"), Place("webhooks_endpoint", "headers_sealed", recorded=True))

# The names in these statements are those of PLACES.
USE = "SELECT left({column}, %s), count(*) FROM {table} WHERE {column} <> '' GROUP BY 1"
STALE = """
SELECT tenant_id, id, {column} FROM {table}
WHERE left({column}, %s) = ANY(%s) AND (tenant_id, id) > (%s, %s) ORDER BY tenant_id, id LIMIT %s
"""
# Whoever has changed the text in the meantime has sealed it anew.
SWAP = "UPDATE {table} SET {column} = %s WHERE tenant_id = %s AND id = %s AND {column} = %s"


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row whose sealed text its key does not open."""

    place: Place
    id: UUID


def keys_in_use() -> Counter[str]:
    """Return how many texts of the database each key seals, by the id of the key; it reads across tenants."""
    found: Counter[str] = Counter()
    with connections[STAFF].cursor() as cursor:
        for place in PLACES:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [place.table])
            # Before the first migration there is no table, and no secret.
            if cursor.fetchone()[0]:
                cursor.execute(sql(USE, place), [KEY_ID_LENGTH])
                found.update(dict(cursor.fetchall()))
    return found


def stale() -> int:
    """Return how many texts wait to be sealed anew: those under the other keys of the ring."""
    used = keys_in_use()
    return sum(used[name] for name in key_ids()[1:])


def reseal(step: Callable[[int], None]) -> list[Damaged]:
    """Seal every text under the first key that another key of the ring seals; return those that do not open.

    `step` hears how many rows were looked at. Each batch is committed, so a run that was stopped goes on where it was.
    """
    return [damaged for place in PLACES for damaged in reseal_place(place, step)]


def reseal_place(place: Place, step: Callable[[int], None]) -> Iterator[Damaged]:
    last = (FIRST, FIRST)
    while rows := stale_rows(place, after=last):
        for tenant_id, group in groupby(rows, key=itemgetter(0)):
            mine = [(row_id, sealed) for _, row_id, sealed in group]
            yield from reseal_rows(place, tenant_id, mine)
            step(len(mine))
        last = rows[-1][:2]


def stale_rows(place: Place, *, after: tuple[UUID, UUID]) -> list[tuple[UUID, UUID, str]]:
    with connections[STAFF].cursor() as cursor:
        cursor.execute(sql(STALE, place), [KEY_ID_LENGTH, key_ids()[1:], *after, BATCH])
        rows: list[tuple[UUID, UUID, str]] = cursor.fetchall()
        return rows


def reseal_rows(place: Place, tenant_id: UUID, rows: list[tuple[UUID, str]]) -> list[Damaged]:
    """Seal rows of one tenant anew, in one transaction."""
    damaged = []
    with using(STAFF), tenant_scope(tenant_id), connections[STAFF].cursor() as cursor:
        for row_id, sealed in rows:
            try:
                text = unseal(sealed)
            except Unreadable:
                damaged.append(Damaged(place, row_id))
                continue
            cursor.execute(sql(SWAP, place), [seal(text), tenant_id, row_id, sealed])
            if cursor.rowcount and place.recorded:
                endpoint = Endpoint.objects.of(tenant_id).select_related("tenant").get(pk=row_id)
                note(endpoint, "resealed", actor=Actor.system(endpoint.tenant, LABEL))
    return damaged


def sql(statement: str, place: Place) -> str:
    return statement.format(table=place.table, column=place.column)
