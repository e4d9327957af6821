"""Leads, and what tenants decide about their web forms."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

import tenants.ids
from tenants.policies import ProtectTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0004_payments"),
        ("tenants", "0003_plans"),
    ]

    operations = [
        migrations.CreateModel(
            name="IntakeSettings",
            fields=[
                ("id", models.UUIDField(default=tenants.ids.new, editable=False, primary_key=True, serialize=False)),
                (
                    "allowed_origins",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), default=list, size=None
                    ),
                ),
                ("honeypot_field", models.CharField(max_length=50, null=True)),
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
                "verbose_name": "intake settings",
                "verbose_name_plural": "intake settings",
            },
        ),
        migrations.CreateModel(
            name="Lead",
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
                ("name", models.CharField(help_text="Who asks.", max_length=200, null=True)),
                (
                    "email",
                    models.EmailField(
                        help_text="Where to answer; a lead has this or a phone number.", max_length=254, null=True
                    ),
                ),
                ("phone", models.CharField(help_text="Where to call, as E.164.", max_length=20, null=True)),
                (
                    "company",
                    models.CharField(help_text="The company that the person asks for.", max_length=200, null=True),
                ),
                (
                    "message",
                    models.TextField(help_text="What they ask for, in their words.", max_length=10000, null=True),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="Where the lead comes from, like website or phone.", max_length=50, null=True
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("contacted", "Contacted"),
                            ("qualified", "Qualified"),
                            ("converted", "Converted"),
                            ("lost", "Lost"),
                            ("spam", "Spam"),
                        ],
                        default="new",
                        help_text="How far it has got; converted by convert alone.",
                        max_length=9,
                    ),
                ),
                ("score", models.PositiveSmallIntegerField(help_text="How promising it is, 0 to 100.", null=True)),
                ("fields", models.JSONField(default=dict, help_text="Everything else that was sent, kept as it came.")),
                ("attribution", models.JSONField(help_text="What led the person here.", null=True)),
                (
                    "client_found",
                    models.BooleanField(
                        editable=False,
                        help_text="True: convert found the {client}; false: it made one; null: not converted.",
                        null=True,
                    ),
                ),
                (
                    "converted_at",
                    models.DateTimeField(editable=False, help_text="When it became a {client}.", null=True),
                ),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="leads",
                        to="crm.client",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owned_leads",
                        to="tenants.member",
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
                                models.Value(" "),
                                django.db.models.functions.comparison.Coalesce(
                                    "email", models.Value(""), output_field=models.TextField()
                                ),
                                models.Value(" "),
                                django.db.models.functions.comparison.Coalesce(
                                    "phone", models.Value(""), output_field=models.TextField()
                                ),
                                models.Value(" "),
                                django.db.models.functions.comparison.Coalesce(
                                    "company", models.Value(""), output_field=models.TextField()
                                ),
                                models.Value(" "),
                                django.db.models.functions.comparison.Coalesce(
                                    "message", models.Value(""), output_field=models.TextField()
                                ),
                                output_field=models.TextField(),
                            ),
                            output_field=django.contrib.postgres.search.SearchVectorField(),
                            template="array_to_tsvector(array_remove(regexp_split_to_array(lower(%(expressions)s), '[^[:alnum:]]+'), ''))",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "leads",
            },
        ),
        migrations.AddIndex(
            model_name="client",
            index=models.Index(
                models.F("tenant"), django.db.models.functions.text.Upper("email"), name="client_email_any_case"
            ),
        ),
        migrations.AddIndex(
            model_name="client",
            index=models.Index(fields=["tenant", "phone"], name="client_phone"),
        ),
        migrations.AddConstraint(
            model_name="intakesettings",
            constraint=models.UniqueConstraint(fields=("tenant",), name="intake_settings_once"),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="lead_latest"),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(fields=["tenant", "status", "-created_at"], name="lead_status"),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(fields=["tenant", "email"], name="lead_email"),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(fields=["tenant", "client"], name="lead_client"),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(fields=["tenant", "owner"], name="lead_owner"),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="lead_search"),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("email__isnull", False), ("phone__isnull", False), _connector="OR"),
                name="lead_reachable",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("score", None), ("score__lte", 100), _connector="OR"), name="lead_score"
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "converted"), _negated=True),
                    models.Q(
                        ("client__isnull", False), ("client_found__isnull", False), ("converted_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="lead_converted_whole",
            ),
        ),
        ProtectTable("Lead", ledger=True),
        ProtectTable("IntakeSettings"),
    ]
