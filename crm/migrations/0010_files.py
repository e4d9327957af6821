"""Files, and the guards of their table."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
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
        ("crm", "0009_activities"),
        ("tenants", "0006_about"),
    ]

    operations = [
        migrations.CreateModel(
            name="File",
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
                ("name", models.CharField(help_text="What it is called when it is downloaded.", max_length=255)),
                (
                    "mime_type",
                    models.CharField(
                        editable=False, help_text="What its content is, whatever its name.", max_length=100
                    ),
                ),
                ("size", models.PositiveIntegerField(editable=False, help_text="Its length in bytes.")),
                (
                    "sha256",
                    models.CharField(
                        editable=False, help_text="The hash of its content, in hexadecimal.", max_length=64
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("ready", "Ready"), ("rejected", "Rejected")],
                        default="ready",
                        editable=False,
                        help_text="Only a ready one can be downloaded; a scanner, where there is one, looks at pending ones.",
                        max_length=8,
                    ),
                ),
                (
                    "bucket",
                    models.CharField(
                        editable=False, help_text="Where its content lies: local, or an S3 bucket.", max_length=63
                    ),
                ),
                (
                    "record_id",
                    crm.records.RecordColumn(
                        help_text="The record that it is attached to; it stays when that is deleted.",
                        max_length=40,
                        null=True,
                    ),
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
                                    "name", models.Value(""), output_field=models.TextField()
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
                "verbose_name_plural": "files",
                "indexes": [
                    models.Index(fields=["tenant", "-created_at", "-id"], include=("size",), name="file_latest"),
                    models.Index(fields=["tenant", "record_id", "-created_at"], name="file_record"),
                    models.Index(
                        condition=models.Q(("status", "pending")), fields=["tenant", "id"], name="file_pending"
                    ),
                    django.contrib.postgres.indexes.GinIndex(fields=["search"], name="file_search"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("size__gt", 0)), name="file_not_empty"),
                    models.CheckConstraint(condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="file_hash"),
                ],
            },
        ),
        ProtectTable("File", ledger=True),
    ]
