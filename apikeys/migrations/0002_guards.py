"""The guards of keys and claims: the API may read keys and note their use, and nothing else of them."""

from django.db import migrations

from tenants.policies import Grant, ProtectTable


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0001_initial"), ("tenants", "0002_guards")]

    operations = [
        Grant("ApiKey", "SELECT, UPDATE (last_used_at, last_used_ip)"),
        ProtectTable("Claim"),
    ]
