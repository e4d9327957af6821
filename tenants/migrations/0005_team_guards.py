"""Existing members get the names and addresses of their accounts, and from here on no change goes without its event."""

from django.db import migrations

from tenants.policies import Recorded

# An address that two accounts share goes to the first of their seats.
FILL = """
UPDATE tenants_member member SET
  name = COALESCE(NULLIF(btrim(account.first_name || ' ' || account.last_name), ''), account.username),
  email = CASE WHEN seat.place = 1 THEN NULLIF(lower(account.email), '') END
FROM auth_user account, (
  SELECT member.id, row_number() OVER (PARTITION BY member.tenant_id, lower(account.email) ORDER BY member.id) AS place
  FROM tenants_member member JOIN auth_user account ON account.id = member.user_id
) seat
WHERE account.id = member.user_id AND seat.id = member.id;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_team"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop), Recorded("Member")]
