from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("later", "0002_index")]

    operations = [
        migrations.RunSQL("ALTER TABLE crm_client ADD CONSTRAINT client_later CHECK (later <> '') NOT VALID"),
    ]
