"""The registry contract (document 003): every resource, in camelCase, by numbered pages and with errors as texts."""

from apikeys.credentials import KEY, SESSION
from crm.rest.contract import Contract, TextErrors
from crm.rest.pages import NumberedPages

__all__ = ["REGISTRY"]

REGISTRY = Contract(
    name="registry",
    title="Kith entity registry",
    description="Every entity by the same few operations, for tools and dashboards that treat them all alike.",
    mounts=("api/v1/",),
    words={
        "client": "customer",
        "clients": "customers",
        "team": "users",
        "member": "user",
        # Customers are on it, not the team.
        "member_count": "member_count",
    },
    camel=True,
    paging=NumberedPages(),
    errors=TextErrors(),
    codes={"VALIDATION_ERROR": "VALIDATION_FAILED"},
    credentials=(KEY, SESSION),
    windows=("hour", "day"),
    limits={SESSION: {"hour": 100}},
    update_methods=("patch",),
    deleted_message=True,
    shape_status=422,
)
