"""The daily counts of requests, by key."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.ids
from tenants.policies import ProtectTable


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0002_guards"), ("tenants", "0002_guards")]

    operations = [
        migrations.CreateModel(
            name="DailyUsage",
            fields=[
                ("id", models.UUIDField(default=tenants.ids.new, editable=False, primary_key=True, serialize=False)),
                ("key_id", models.UUIDField()),
                ("day", models.DateField()),
                ("requests", models.BigIntegerField()),
                ("refused", models.BigIntegerField(help_text="Answered with 4xx.")),
                ("failed", models.BigIntegerField(help_text="Answered with 5xx.")),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="usage_day")],
                "constraints": [models.UniqueConstraint(fields=("tenant", "key_id", "day"), name="usage_once")],
            },
        ),
        ProtectTable("DailyUsage"),
    ]
