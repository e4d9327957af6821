"""How the admin looks: unfold's settings."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static

__all__ = ["UNFOLD"]


def asset(name: str) -> Any:
    """Return what gives the address of one of our own files, once static files are set up."""

    def address(request: HttpRequest) -> str:
        return static(f"kith/{name}")

    return address


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Kith",
    "SITE_HEADER": "Kith",
    "SITE_SUBHEADER": "Admin",
    "SITE_ICON": asset("mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": asset("mark.svg")}],
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [asset("admin.css")],
    "DASHBOARD_CALLBACK": "config.staff.home.home",
    "LOGIN": {"form": "config.staff.login.LoginForm"},
    "SIDEBAR": {"show_search": True, "navigation": "config.staff.menu.menu"},
    "COLORS": {
        # A calm teal.
        "primary": {
            "50": "oklch(97.5% .016 195)",
            "100": "oklch(94% .04 195)",
            "200": "oklch(89% .07 195)",
            "300": "oklch(82% .1 195)",
            "400": "oklch(74% .11 197)",
            "500": "oklch(64% .105 199)",
            "600": "oklch(52% .09 205)",
            "700": "oklch(45% .078 208)",
            "800": "oklch(39% .065 210)",
            "900": "oklch(34% .055 212)",
            "950": "oklch(25% .042 214)",
        },
    },
}
