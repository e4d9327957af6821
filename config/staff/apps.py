"""Puts Kith's site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig

__all__ = ["StaffConfig"]


class StaffConfig(AdminConfig):
    """Django's admin, on our site."""

    default_site = "config.staff.site.StaffSite"
