"""A contract that nobody has published: other words, case, pages, errors, headers and codes; as URLs, for tests."""

from crm.registry import RESOURCES
from crm.rest.contract import Contract, TextErrors
from crm.rest.pages import NumberedPages
from crm.rest.router import mount

__all__ = ["MADE_UP", "urlpatterns"]

WORDS = {
    "client": "kunde", "clients": "kunden", "invoice": "rechnung", "invoices": "rechnungen", "product": "ware",
    "products": "waren", "event": "ereignis", "events": "ereignisse", "id": "kennung", "line": "rechnungs",
    "items": "posten", "rate": "preis", "status": "stand", "type": "art", "total": "summe", "due": "faellig",
    "date": "tag", "created": "angelegt", "updated": "geaendert", "sent": "versandt", "paid": "bezahlt",
    "mark": "melde", "send": "versende", "filter": "sieb", "search": "suche", "sort": "folge", "order": "richtung",
    "fields": "felder", "include": "mit", "start": "von", "since": "seit", "postal": "post", "code": "zahl",
    "billing": "rechnungs", "referenced": "gebraucht", "by": "von", "scope": "recht", "active": "aktiv",
}  # fmt: skip

MADE_UP = Contract(
    name="made-up",
    title="Made up",
    mounts=("kunde/v9/",),
    words=WORDS,
    camel=True,
    tenant_header="X-Mandant",
    paging=NumberedPages(),
    errors=TextErrors(),
    codes={
        "VALIDATION_ERROR": "UNPASSEND",
        "NOT_FOUND": "NICHT_DA",
        "ENTITY_NOT_FOUND": "NICHT_DA",
        "INVALID_SCOPE": "KEIN_RECHT",
    },
    windows=("hour",),
    update_methods=("patch",),
    deleted_message=True,
    headers={"X-Fassung": "9"},
)

urlpatterns = mount(MADE_UP, RESOURCES)
