"""Members as a public shape: name, address, skills and hours; invited ones have no account yet."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_plans"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="member",
            options={"verbose_name_plural": "team"},
        ),
        migrations.AddField(
            model_name="member",
            name="active",
            field=models.BooleanField(
                default=True, help_text="Whoever is switched off keeps the seat and may do nothing."
            ),
        ),
        migrations.AddField(
            model_name="member",
            name="email",
            field=models.EmailField(
                help_text="In lower case; the account with this address gets the seat.", max_length=254, null=True
            ),
        ),
        migrations.AddField(
            model_name="member",
            name="name",
            field=models.CharField(default="", help_text="How the person is called.", max_length=200),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="member",
            name="skills",
            field=models.JSONField(default=list, help_text="What the person can do, in short words."),
        ),
        migrations.AddField(
            model_name="member",
            name="timezone",
            field=models.CharField(help_text="Where they work, like Europe/Vienna.", max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="member",
            name="working_hours",
            field=models.JSONField(default=list, help_text="When they work, in the local time of {timezone}."),
        ),
        migrations.AlterField(
            model_name="member",
            name="role",
            field=models.CharField(
                choices=[("owner", "Owner"), ("admin", "Admin"), ("staff", "Staff"), ("viewer", "Viewer")],
                default="staff",
                help_text="What the person may do; an admin key makes owners.",
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="member",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="member_latest"),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(fields=["tenant", "name", "id"], name="member_name"),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(fields=("tenant", "email"), name="member_email"),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))), name="member_email_case"
            ),
        ),
    ]
