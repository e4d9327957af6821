"""A second version beside the first, as it would be published: one contract more, and the old one's notice."""

from dataclasses import replace

from crm.contracts.v1 import V1
from crm.docs.document import document_path
from crm.registry import RESOURCES
from crm.rest.contract import Contract
from crm.rest.router import mount

__all__ = ["OLD", "V2", "urlpatterns"]

V2: Contract = replace(
    V1,
    name="v2",
    title="Kith API 2",
    version="2.0.0",
    mounts=("v2/",),
    words={"company_name": "organization"},
    without={"clients": ("website",)},
)

# RFC 9745, RFC 8594 and RFC 5829.
OLD: Contract = replace(
    V1,
    headers={
        "Deprecation": "@1798761600",
        "Sunset": "Fri, 31 Dec 2027 23:59:59 GMT",
        "Link": '</v2/>; rel="successor-version"',
    },
)

urlpatterns = [pattern for contract in (OLD, V2) for pattern in mount(contract, RESOURCES, [document_path(contract)])]
