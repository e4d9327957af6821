from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("later", "0003_constraint")]

    operations = [migrations.RunSQL("ALTER TABLE crm_client VALIDATE CONSTRAINT client_later")]
