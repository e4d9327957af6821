"""Activities, and the guards of their table."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

import crm.records
import tenants.ids
from tenants.policies import ProtectTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0008_marketing"),
        ("tenants", "0006_about"),
    ]

    operations = [
        migrations.CreateModel(
            name="Activity",
            fields=[
                ("id", models.UUIDField(default=tenants.ids.new, editable=False, primary_key=True, serialize=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, help_text="When the record was made."
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, help_text="When the record last changed."
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("note", "Note"), ("call", "Call"), ("meeting", "Meeting"), ("email", "Email")],
                        default="note",
                        help_text="What it was.",
                        max_length=7,
                    ),
                ),
                ("subject", models.CharField(help_text="What it was about, in a line.", max_length=200)),
                (
                    "body",
                    models.TextField(help_text="What was said, as long as it takes.", max_length=20000, null=True),
                ),
                (
                    "record_id",
                    crm.records.RecordColumn(
                        help_text="The {client}, lead or project that it belongs to; it stays when that is deleted.",
                        max_length=40,
                    ),
                ),
                (
                    "occurred_at",
                    models.DateTimeField(default=django.utils.timezone.now, help_text="When it was; now unless told."),
                ),
                (
                    "duration_minutes",
                    models.PositiveSmallIntegerField(
                        help_text="How long it took.",
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(44640)],
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("in", "In"), ("out", "Out")],
                        help_text="Whether it came in or went out, where that has a sense.",
                        max_length=3,
                        null=True,
                    ),
                ),
                ("author", models.CharField(editable=False, help_text="Who logged it.", max_length=200)),
                (
                    "author_id",
                    models.CharField(editable=False, help_text="The id of who logged it.", max_length=40, null=True),
                ),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            django.db.models.functions.text.Concat(
                                models.Func(
                                    "tenant_id",
                                    output_field=models.TextField(),
                                    template="'t' || replace(%(expressions)s::text, '-', '')",
                                ),
                                models.Value(" "),
                                django.db.models.functions.comparison.Coalesce(
                                    "subject", models.Value(""), output_field=models.TextField()
                                ),
                                models.Value(" "),
                                django.db.models.functions.comparison.Coalesce(
                                    "body", models.Value(""), output_field=models.TextField()
                                ),
                                output_field=models.TextField(),
                            ),
                            output_field=django.contrib.postgres.search.SearchVectorField(),
                            template="array_to_tsvector(array_remove(regexp_split_to_array(lower(%(expressions)s), '[^[:alnum:]]+'), ''))",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
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
                "verbose_name_plural": "activities",
                "indexes": [
                    models.Index(fields=["tenant", "-created_at", "-id"], name="activity_latest"),
                    models.Index(fields=["tenant", "record_id", "-occurred_at", "-id"], name="activity_record"),
                    django.contrib.postgres.indexes.GinIndex(fields=["search"], name="activity_search"),
                ],
            },
        ),
        ProtectTable("Activity", ledger=True),
    ]
