"""Questions with an id in the body: every writable reference, at any depth, in every method that takes one."""

from typing import Any

from tests.bodies import Path, make_body, placed, references
from tests.conftest import Answer
from tests.isolation.matrix import Matrix
from tests.isolation.paths import bare
from tests.routes import Route

__all__ = ["ask_references"]


def ask_references(matrix: Matrix) -> None:
    """Try ids of every kind wherever a body can name another record."""
    for route in matrix.world.firsts:
        for method in route.actions:
            shape = route.takes(method)
            for path, model in references(shape) if shape else ():
                if matrix.turns.chosen():
                    ask_reference(matrix, route, method, path, model)


def ask_reference(matrix: Matrix, route: Route, method: str, path: Path, model: Any) -> None:
    what = f"{method} {route.path} with {'.'.join(map(str, path))}"
    for spelled in (str, bare):
        known = {kind: spelled(value) for kind, value in matrix.world.ids_of(model).items()}
        answers = matrix.compare(what, lambda value: refer(matrix, route, method, path, value), known)
        matrix.expect(answers["unknown"].status == 400, f"{what}: unknown is {answers['unknown'].status}")
        own = answers["own"]
        matrix.expect(own.status in (200, 201), f"{what}: own is {own.status} {own.body}")


def refer(matrix: Matrix, route: Route, method: str, path: Path, value: str) -> Answer:
    """Send a whole body with this one reference; a change goes to a record of its own."""
    world = matrix.world
    body = placed(make_body(route.takes(method), world.acme.ids, full=True, mark=world.acme.mark), path, value)
    address = route.at(world.acme.make(route.view.model)) if route.has_id else route.path
    return matrix.ask(route, method, address, body)
