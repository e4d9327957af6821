"""The servers that the tests of scale run Kith on."""

from tests.faults.fixtures import django_db_setup, kith, servers, target  # noqa: F401  pytest finds them here
