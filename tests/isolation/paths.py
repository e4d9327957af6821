"""Questions with an id in the path: every route and method, with a good body, a bad one, and conditions."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

from tenants import ids
from tests.bodies import make_body
from tests.conftest import Answer
from tests.isolation.matrix import Matrix
from tests.routes import METHODS, Route

__all__ = ["ask_paths"]

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
# Stands for a key that no other request has.
NEW = "new"
Variant = tuple[Any, dict[str, str]]


def ask_paths(matrix: Matrix) -> None:
    """Try ids of every kind in the path of every route, by every method; those of others also in other words."""
    for route in matrix.routes:
        for method in METHODS if route.has_id else ():
            if offers(route, method):
                ask_path(matrix, route, method)
                ask_variants(matrix, route, method)
            elif matrix.turns.chosen():
                ask_path(matrix, route, method)


def offers(route: Route, method: str) -> bool:
    return method != "OPTIONS" and ("GET" if method == "HEAD" else method) in route.actions


def ask_path(matrix: Matrix, route: Route, method: str) -> None:
    what, body = f"{method} {route.path}", body_for(matrix, route, method)
    known = ids_for(matrix, route, method)
    answers = matrix.compare(what, lambda pk: matrix.ask(route, method, route.at(pk), body), known)
    unknown, own = answers["unknown"].status, answers["own"].status
    if offers(route, method):
        matrix.expect(unknown == 404, f"{what}: unknown is {unknown}")
        matrix.expect(own not in (403, 404, 405), f"{what}: own is {own} {answers['own'].body}")
    elif method != "OPTIONS":
        matrix.expect(own == 405, f"{what}: not offered, and yet {own}")


def ids_for(matrix: Matrix, route: Route, method: str) -> dict[str, str]:
    """Return the ids to try; what changes Acme's record gets one of its own."""
    model, found = route.view.model, matrix.world.ids_of(route.view.model)
    if method in UNSAFE and method in route.actions:
        found["own"] = matrix.world.acme.make(model)
    if "deleted" in found and route.listed:
        # What was deleted keeps its history, so it is not answered like what never was.
        found["history"] = found.pop("deleted")
    return found


def ask_variants(matrix: Matrix, route: Route, method: str) -> None:
    """Try the ids that are not Acme's as UUIDs, with a bad body, under conditions and with an Idempotency-Key."""
    known = {kind: pk for kind, pk in ids_for(matrix, route, "GET").items() if kind != "own"}
    for variant in (variant for variant in variants(matrix, route, method) if matrix.turns.chosen()):
        matrix.compare(f"{method} {route.path} {variant}", partial(ask_variant, matrix, route, method, variant), known)


def ask_variant(matrix: Matrix, route: Route, method: str, variant: Variant, pk: str) -> Answer:
    body, headers = variant
    return matrix.ask(route, method, route.at(bare(pk)), body, **renewed(headers))


def variants(matrix: Matrix, route: Route, method: str) -> Iterator[Variant]:
    """Yield the bodies and headers to try with a method."""
    body = body_for(matrix, route, method)
    yield body, {}
    if method in UNSAFE:
        yield {"nope": 1}, {}
        yield body, {"If_Match": '"1"'}
        yield body, {"Idempotency_Key": NEW}
    else:
        yield None, {"If_None_Match": "*"}


def body_for(matrix: Matrix, route: Route, method: str) -> Any:
    taken = route.takes(method)
    return taken and make_body(taken, matrix.world.acme.ids, mark=matrix.world.acme.mark)


def renewed(headers: dict[str, str]) -> dict[str, str]:
    return {name: uuid4().hex if value == NEW else value for name, value in headers.items()}


def bare(public_id: str) -> str:
    """Return an id as a UUID, which is accepted wherever a TypeID is."""
    return str(ids.decode(public_id.rpartition("_")[0], public_id))
