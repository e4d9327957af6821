"""How long work shows how far it is: a bar on a terminal, and plain lines elsewhere."""

import sys
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

__all__ = ["Say", "progress", "say"]

Say = Callable[[str], None]


def say(text: str) -> None:
    """Print a line for people; the standard output belongs to the answer."""
    print(text, file=sys.stderr, flush=True)


def progress(stack: ExitStack, total: int, tell: Say = say) -> Say:
    """Return what takes the name of each step of `total` that is done."""
    return bar(stack, total) if tell is say and sys.stderr.isatty() else lines(tell, total)


def bar(stack: ExitStack, total: int) -> Say:
    """Show a progress bar."""
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}")
    progress = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
    task = progress.add_task("", total=total)
    return lambda name: progress.update(task, advance=1, description=name)


def lines(tell: Say, total: int) -> Say:
    """Print every tenth step and the last."""
    done: list[str] = []

    def report(name: str) -> None:
        done.append(name)
        if len(done) % 10 == 0 or len(done) == total:
            tell(f"  {len(done)} of {total}: {name}")

    return report
