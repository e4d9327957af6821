"""The servers that the drills run Kith on."""

from tests.faults.fixtures import django_db_setup, servers  # noqa: F401  pytest finds them here
