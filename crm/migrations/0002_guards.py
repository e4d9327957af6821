"""The guards of the first resources' tables."""

from django.db import migrations

from tenants.policies import ProtectTable


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_resources"), ("tenants", "0002_guards")]

    operations = [
        ProtectTable("Client", ledger=True),
        ProtectTable("Product", ledger=True),
        ProtectTable("Invoice", ledger=True),
        ProtectTable("InvoiceLine"),
        ProtectTable("InvoiceCounter"),
    ]
