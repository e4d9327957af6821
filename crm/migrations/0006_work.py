"""Projects, tasks and comments, and the guards of their tables."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

import crm.money
import tenants.ids
from tenants.policies import ProtectTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0005_leads"),
        ("tenants", "0005_team_guards"),
    ]

    operations = [
        migrations.CreateModel(
            name="Project",
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
                ("name", models.CharField(help_text="How the project is called.", max_length=200)),
                ("description", models.TextField(help_text="What is to be done.", max_length=10000, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("active", "Active"),
                            ("on_hold", "On Hold"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        help_text="Where it stands; any state may follow any.",
                        max_length=9,
                    ),
                ),
                ("start_date", models.DateField(help_text="The first day of work.", null=True)),
                ("due_date", models.DateField(help_text="The last day; not before {start_date}.", null=True)),
                (
                    "completed_at",
                    models.DateTimeField(editable=False, help_text="Since when it is completed.", null=True),
                ),
                ("budget", crm.money.NumericField(help_text="What it may cost.", null=True)),
                ("currency", models.CharField(help_text="ISO 4217; the tenant's currency unless told.", max_length=3)),
                ("tags", models.JSONField(default=list, help_text="Short words to group by.")),
                ("external_ref", models.CharField(help_text="Your own id for it; unique.", max_length=100, null=True)),
                ("custom_fields", models.JSONField(default=dict, help_text="Your own fields, kept as they come.")),
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
                                    "external_ref", models.Value(""), output_field=models.TextField()
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
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.client",
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
                "verbose_name_plural": "projects",
            },
        ),
        migrations.CreateModel(
            name="Task",
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
                ("title", models.CharField(help_text="What is to be done, in a line.", max_length=200)),
                (
                    "description",
                    models.TextField(help_text="What is to be done, in full.", max_length=10000, null=True),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("todo", "Todo"), ("in_progress", "In Progress"), ("completed", "Completed")],
                        default="todo",
                        help_text="Where it stands; any state may follow any.",
                        max_length=11,
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        default="medium",
                        help_text="How much it presses.",
                        max_length=6,
                    ),
                ),
                ("due_date", models.DateField(help_text="The last day to do it.", null=True)),
                (
                    "completed_at",
                    models.DateTimeField(editable=False, help_text="Since when it is completed.", null=True),
                ),
                ("tags", models.JSONField(default=list, help_text="Short words to group by.")),
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
                                    "title", models.Value(""), output_field=models.TextField()
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
                    "assignee",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.member",
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.client",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="crm.project",
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
                "verbose_name_plural": "tasks",
            },
        ),
        migrations.CreateModel(
            name="Comment",
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
                ("text", models.TextField(help_text="What there is to say.", max_length=5000)),
                (
                    "author_id",
                    models.CharField(
                        editable=False,
                        help_text="Who wrote it: a person, or the key of a program.",
                        max_length=40,
                        null=True,
                    ),
                ),
                (
                    "author_name",
                    models.CharField(editable=False, help_text="How the author was called then.", max_length=200),
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
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.task",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "comments",
            },
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="project_latest"),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["tenant", "client", "-created_at"], name="project_client"),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["tenant", "status", "due_date"], name="project_due"),
        ),
        migrations.AddIndex(
            model_name="project",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="project_search"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(fields=("tenant", "external_ref"), name="project_external_ref"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_date__gte", models.F("start_date"))), name="project_dates"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(condition=models.Q(("budget__gte", 0)), name="project_budget"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("completed_at__isnull", False), ("status", "completed")),
                    models.Q(models.Q(("status", "completed"), _negated=True), ("completed_at", None)),
                    _connector="OR",
                ),
                name="project_completion",
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="task_latest"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["tenant", "project", "-created_at"], name="task_project"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["tenant", "client", "-created_at"], name="task_client"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["tenant", "assignee", "status", "due_date"], name="task_assignee"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["tenant", "status", "due_date"], name="task_due"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="task_search"),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("completed_at__isnull", False), ("status", "completed")),
                    models.Q(models.Q(("status", "completed"), _negated=True), ("completed_at", None)),
                    _connector="OR",
                ),
                name="task_completion",
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="comment_latest"),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(fields=["tenant", "task", "-created_at"], name="comment_task"),
        ),
        ProtectTable("Project", ledger=True),
        ProtectTable("Task", ledger=True),
        ProtectTable("Comment", ledger=True),
    ]
