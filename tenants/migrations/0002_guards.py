"""The roles, the functions behind the triggers, and the guards of this room's tables."""

from django.db import migrations

from tenants.policies import AppendOnly, Grant, ProtectTable

ROLES = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['kith_app', 'kith_admin'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
      EXECUTE format('GRANT %I TO CURRENT_USER', name);
    END IF;
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA public TO kith_app, kith_admin;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO kith_admin;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO kith_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO kith_admin;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO kith_admin;
-- The web process tells by it whether it fits the database.
GRANT SELECT ON django_migrations TO kith_app;
"""

APPEND_ONLY = """
CREATE FUNCTION kith_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'fanned_out_at' = to_jsonb(NEW) - 'fanned_out_at' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
"""

# Runs at COMMIT: by then whoever changed the row must have told the ledger.
RECORDED = """
CREATE FUNCTION kith_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed record;
BEGIN
  IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
  IF NOT EXISTS (
    SELECT 1 FROM tenants_event
    WHERE tenant_id = changed.tenant_id AND record_id = changed.id AND txid = pg_current_xact_id()::text::bigint
  ) THEN
    RAISE EXCEPTION '% of % % left no event: change records through crm.rest.writes', TG_OP, TG_TABLE_NAME, changed.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'recorded';
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(ROLES, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION kith_append_only();"),
        migrations.RunSQL(RECORDED, "DROP FUNCTION kith_recorded();"),
        Grant("Plan", "SELECT"),
        Grant("Tenant", "SELECT"),
        ProtectTable("Member", rights="SELECT, INSERT, UPDATE, DELETE"),
        ProtectTable("Event", rights="SELECT, INSERT"),
        AppendOnly("Event"),
        ProtectTable("Seal", rights="SELECT, INSERT"),
        AppendOnly("Seal"),
    ]
