"""Words of each tenant by themselves: an index that a search of one tenant reads without meeting those of others."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.contrib.postgres.search import SearchVectorField
from django.db import migrations, models

from tenants.policies import Searchable

MODELS = {
    "Activity": "activity", "Appointment": "appointment", "Campaign": "campaign", "Client": "client", "File": "file",
    "Invoice": "invoice", "Lead": "lead", "MarketingList": "list", "Order": "order", "Payment": "payment",
    "Product": "product", "Project": "project", "Quote": "quote", "Task": "task",
}  # fmt: skip
# Behind the end of the tenant's id, which no two tenants are likely to share. Each word of a text stands in quotes.
WORDS = """
CREATE FUNCTION kith_words(search tsvector, tenant_id uuid) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(' ' || search::text, ' ''', ' ''' || right(tenant_id::text, 8))::tsvector;
"""


def words(name: str) -> GinIndex:
    """Return the index of a model."""
    column = models.Func("search", "tenant_id", function="kith_words", output_field=SearchVectorField())
    return GinIndex(column, name=f"{name}_words")


class Migration(migrations.Migration):
    # Indexes are made while others read and write; no table is written anew.
    atomic = False

    dependencies = [("crm", "0011_charts"), ("tenants", "0007_outbox")]

    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION kith_words(tsvector, uuid)"),
        *(AddIndexConcurrently(model.lower(), words(name)) for model, name in MODELS.items()),
        *(Searchable(model) for model in MODELS),
        *(RemoveIndexConcurrently(model.lower(), f"{name}_search") for model, name in MODELS.items()),
    ]
