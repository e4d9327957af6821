from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("later", "0001_columns")]

    operations = [migrations.RunSQL("CREATE INDEX CONCURRENTLY client_later ON crm_client (tenant_id, later)")]
