from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_resources")]

    operations = [
        migrations.RunSQL("ALTER TABLE crm_client ADD COLUMN later text"),
        migrations.RunSQL("ALTER TABLE crm_invoice ADD COLUMN later integer DEFAULT 0 NOT NULL"),
    ]
