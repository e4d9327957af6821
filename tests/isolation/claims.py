"""Questions that claim something of Globex's: its values, its ids and names, its Idempotency-Keys."""

from functools import partial
from itertools import product
from typing import Any
from uuid import uuid4

from tenants import ids
from tests.bodies import make_body, placed, references
from tests.conftest import Answer
from tests.isolation.matrix import Matrix
from tests.isolation.world import SHARED_CLAIM
from tests.routes import Route

__all__ = ["ask_claims"]

OWNERS = ("tenant", "tenant_id", "organization", "organization_id")


def ask_claims(matrix: Matrix) -> None:
    """Claim what is Globex's on every route that makes something, and name Globex on every route."""
    for route in matrix.routes:
        name_globex(matrix, route)
    for route in matrix.world.firsts:
        for claim in (copy_record, send_owners, send_id):
            if "create" in route.actions.values() and matrix.turns.chosen():
                claim(matrix, route)


def name_globex(matrix: Matrix, route: Route) -> None:
    """Name Globex in the tenant header: it is like a tenant that does not exist."""
    world, header = matrix.world, route.contract.tenant_header
    slugs = {"foreign": world.globex.caller.tenant.slug, "unknown": f"globex-{uuid4().hex[:12]}"}
    names = {"foreign": world.globex.caller.tenant.public_id, "unknown": ids.encode("org", ids.new())}
    for method, known in product(route.actions, (slugs, names)):
        # Each method is asked, if need be by one of the two spellings.
        if known is names and not matrix.turns.chosen():
            continue
        ask = partial(as_named, matrix, route, method, header)
        answers = matrix.compare(f"{method} {route.path} as Globex", ask, known)
        matrix.expect(answers["foreign"].status == 403, f"{method} {route.path} as Globex: {answers['foreign'].status}")


def as_named(matrix: Matrix, route: Route, method: str, header: str, name: str) -> Answer:
    return matrix.ask(route, method, route.at(matrix.world.acme.ids[route.view.model]), **{header: name})


def copy_record(matrix: Matrix, route: Route) -> None:
    """Send Globex's own body with its own Idempotency-Key: unique values and keys are unique within a tenant."""
    world, model = matrix.world, route.view.model
    fields, theirs = route.takes("POST")().fields, world.globex.bodies[model]
    body = make_body(route.takes("POST"), world.acme.ids, full=True)
    # A structure's own names are those of the contract that it was made through.
    body |= {name: value for name, value in theirs.items() if name in fields and not isinstance(value, dict | list)}
    for path, other in references(route.takes("POST"), one=True):
        body = placed(body, path, world.acme.ids[other])
    # A key is for one path: a second route to the same records has none of Globex's.
    same = route.path == world.globex.makers[model].path
    claim = f"{SHARED_CLAIM}-{model.__name__ if same else route.path}"
    claimed = {} if route.view.warning else {"Idempotency_Key": claim}
    made = matrix.ask(route, "POST", route.path, body, **claimed)
    matrix.expect(made.status == 201, f"POST {route.path} with Globex's values: {made.status} {made.body}")
    matrix.expect("Idempotent-Replayed" not in made.headers, f"POST {route.path}: Globex's answer is replayed")


def send_owners(matrix: Matrix, route: Route) -> None:
    """Name Globex as the owner in the body: there is no such field, or it is kept as the sender's own."""
    if route.view.serializer_class.extras:
        for name in OWNERS:
            made = post(matrix, route, {name: str(matrix.world.globex.caller.tenant.id)})
            matrix.expect(made.status == 201, f"POST {route.path} with {name}: {made.status}")
        return
    known = {"foreign": str(matrix.world.globex.caller.tenant.id), "unknown": str(uuid4())}
    for name in OWNERS:
        answers = matrix.compare(f"POST {route.path} with {name}", partial(post_owner, matrix, route, name), known)
        matrix.expect(answers["foreign"].status == 400, f"POST {route.path} with {name}: {answers['foreign'].status}")


def post_owner(matrix: Matrix, route: Route, name: str, value: str) -> Answer:
    return post(matrix, route, {name: value})


def send_id(matrix: Matrix, route: Route) -> None:
    """Send Globex's id for a new record: the record gets one of its own all the same."""
    foreign = matrix.world.globex.ids[route.view.model]
    name = route.contract.wire("id")
    made = post(matrix, route, {name: foreign})
    matrix.expect(made.status == 201 and made.data[name] != foreign, f"POST {route.path} with an id: {made.status}")


def post(matrix: Matrix, route: Route, more: dict[str, Any]) -> Answer:
    body = make_body(route.takes("POST"), matrix.world.acme.ids, mark=matrix.world.acme.mark)
    return matrix.ask(route, "POST", route.path, body | more)
