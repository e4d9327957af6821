from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0002_public_key"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status__in", ["exhausted", "poisoned"])),
                fields=["finished_at"],
                name="delivery_given_up",
            ),
        ),
    ]
