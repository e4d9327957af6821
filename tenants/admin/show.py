"""How values look on a page: badges, times, codes, and tables of what changed."""

from datetime import datetime, timedelta
from typing import Any

import orjson
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince, timeuntil

__all__ = ["TONES", "badge", "badges", "changes", "code", "link", "moment", "record", "rows", "text", "two_lines"]

NOTHING = format_html('<span class="kith-faint">{}</span>', "-")
# The tone of a badge, by the word on it.
TONES = {
    "active": "good", "paid": "good", "live": "good", "created": "good", "owner": "good",
    "succeeded": "good", "accepted": "good", "completed": "good", "converted": "good", "refunded": "warn",
    "partially_refunded": "warn", "partially_paid": "info",
    "rotated": "warn", "overdue": "warn", "test": "warn", "updated": "info", "sent": "info", "admin": "info",
    "revoked": "bad", "expired": "bad", "deleted": "bad", "void": "bad", "failed": "bad",
}  # fmt: skip


def badge(word: str, tone: str | None = None) -> str:
    """Return a word in a coloured pill."""
    return format_html('<span class="kith-badge kith-{}">{}</span>', tone or TONES.get(word, "plain"), word)


def badges(words: Any, most: int = 4) -> str:
    """Return words in pills, the first ones of many."""
    shown = format_html_join(" ", "{}", ((badge(str(word)),) for word in list(words)[:most]))
    return (
        format_html('{} <span class="kith-faint">+{}</span>', shown, len(words) - most) if len(words) > most else shown
    )


def code(value: str) -> str:
    """Return a text that machines read."""
    return format_html('<code class="kith-code">{}</code>', value)


def link(url: str, label: Any) -> str:
    """Return a link."""
    return format_html('<a class="kith-link" href="{}">{}</a>', url, label)


def two_lines(first: str, second: str = "") -> str:
    """Return a long text, which may break anywhere, and under it a faint one."""
    if not second:
        return format_html('<span class="kith-long">{}</span>', first)
    return format_html('<span class="kith-long">{}</span><br><span class="kith-faint">{}</span>', first, second)


def moment(value: datetime | None, nothing: str = "") -> str:
    """Return a time as people say it; the exact one shows when the mouse rests on it."""
    if value is None:
        return format_html('<span class="kith-faint">{}</span>', nothing) if nothing else NOTHING
    exact = formats.date_format(timezone.localtime(value), "Y-m-d H:i:s T")
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact, distance(value))


def distance(value: datetime) -> str:
    """Return how far away a time is, in its largest unit."""
    now = timezone.now()
    if abs(now - value) < timedelta(minutes=1):
        return "just now"
    return f"{timesince(value, now, depth=1)} ago" if value < now else f"in {timeuntil(value, now, depth=1)}"


def text(value: Any) -> str:
    """Return a value of a record as it can be read: JSON only where it has parts."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return badges(value, most=20)
    if isinstance(value, dict | list):
        return format_html('<pre class="kith-json">{}</pre>', orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    return format_html("{}", value)


def changes(moved: dict[str, Any]) -> str:
    """Return a table of fields before and after."""
    rows = [(name, text(before), text(after)) for name, (before, after) in moved.items()]
    return render_to_string("admin/kith/changes.html", {"rows": rows})


def record(data: dict[str, Any]) -> str:
    """Return a table of a record's fields."""
    return render_to_string("admin/kith/record.html", {"rows": [(name, text(value)) for name, value in data.items()]})


def rows(items: list[dict[str, Any]]) -> str:
    """Return a table of several things of one kind."""
    if not items:
        return NOTHING
    names = list(items[0])
    cells = [[text(item.get(name)) for name in names] for item in items]
    return render_to_string("admin/kith/rows.html", {"names": names, "rows": cells})
