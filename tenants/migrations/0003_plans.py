"""The four plans of the documents (000: 100 a minute by default; 004: free, pro, enterprise)."""

from typing import Any

from django.db import migrations

PLANS = (
    ("free", "Free", 60, 1_000),
    ("standard", "Standard", 100, None),
    ("pro", "Pro", 300, 50_000),
    ("enterprise", "Enterprise", 1_000, None),
)


def add_plans(apps: Any, schema_editor: Any) -> None:
    plans = apps.get_model("tenants", "Plan").objects.using(schema_editor.connection.alias)
    for code, name, per_minute, per_day in PLANS:
        plans.create(code=code, name=name, per_minute=per_minute, per_day=per_day)


def remove_plans(apps: Any, schema_editor: Any) -> None:
    plans = apps.get_model("tenants", "Plan").objects.using(schema_editor.connection.alias)
    plans.filter(code__in=[code for code, *_ in PLANS]).delete()


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_guards")]

    operations = [migrations.RunPython(add_plans, remove_plans)]
