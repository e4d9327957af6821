"""What an event is about, and the index by which the feed of a record finds it."""

import django.db.models.fields.json
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0005_team_guards"),
    ]

    operations = [
        migrations.AddField(
            model_name="event",
            name="about",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.comparison.Coalesce(
                    django.db.models.fields.json.KeyTextTransform("client_id", "data"),
                    django.db.models.fields.json.KeyTextTransform("record_id", "data"),
                    "public_id",
                    output_field=models.TextField(),
                ),
                help_text="In whose story it belongs: the client of an invoice, the record of a file, else the record itself.",
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["tenant", "about", "-occurred_at", "-id"], name="event_about"),
        ),
    ]
