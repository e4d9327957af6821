"""The outbox: the index of what has not been fanned out, and the right to note that it was."""

from django.db import migrations, models

# A generated column is not there yet before an update; what it is made of is compared anyway.
APPEND_ONLY = """
CREATE OR REPLACE FUNCTION kith_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - '{ignored}'::text[] = to_jsonb(NEW) - '{ignored}'::text[] THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_about"),
    ]

    operations = [
        migrations.RunSQL(
            APPEND_ONLY.format(ignored="{fanned_out_at,about}"), APPEND_ONLY.format(ignored="{fanned_out_at}")
        ),
        # Nothing else of an event can change: the trigger sees to it.
        migrations.RunSQL(
            "GRANT UPDATE (fanned_out_at) ON tenants_event TO kith_admin;",
            "REVOKE UPDATE (fanned_out_at) ON tenants_event FROM kith_admin;",
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="event_outbox",
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("audience", "public"), ("fanned_out_at", None)),
                fields=["txid", "id"],
                name="event_outbox",
            ),
        ),
    ]
