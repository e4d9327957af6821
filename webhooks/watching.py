"""Who is told of each attempt to deliver, beside the database: rooms above this one, which register at start-up."""

from collections.abc import Callable

from webhooks.queue import Result

__all__ = ["tell", "watch_by"]

Watch = Callable[[Result], None]
_watchers: list[Watch] = []


def watch_by(watch: Watch) -> None:
    """Call `watch` with what became of each attempt; it must be quick, and must not fail."""
    _watchers.append(watch)


def tell(result: Result) -> None:
    """Tell everybody of an attempt that has ended."""
    for watch in _watchers:
        watch(result)
