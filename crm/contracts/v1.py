"""The canonical contract (documents 000 and 004): snake_case, the resources' own names, limit and offset."""

from crm.rest.contract import Contract

__all__ = ["V1"]

V1 = Contract(
    name="v1",
    title="Kith API",
    description="The CRM's public API: every resource under its own name.",
    mounts=("v1/", "functions/v1/crm-api/v1/"),
    codes={"ENTITY_NOT_FOUND": "NOT_FOUND"},
    # Here they stand among the products.
    excluded=("services",),
    # Document 000 lists no DELETE for them: switch a product off, void an invoice.
    hidden={"products": ("destroy",), "invoices": ("destroy",)},
)
