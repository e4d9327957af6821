"""Shows the settings: to people as a table, to programs as lines, to readers of the docs as Markdown."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from config.env import SETTINGS, Environment, Setting
from config.redaction import MASK, mask

HEAD = {"Setting": False, "Value": True, "From": False, "Meaning": True}
INTRODUCTION = """\
# Settings

Kith reads its settings from the environment, once, when it starts; a wrong value stops the start with one sentence.
Every secret can also lie in a file: `SECRET_KEY_FILE=/run/secrets/key` reads the secret from there.
`manage.py settings` shows the values in use and where each came from.

"""


def rows(env: Environment) -> Iterator[tuple[str, str, str, str]]:
    """Return name, value, source and meaning of every setting."""
    for setting in SETTINGS:
        yield setting.name, shown(setting, env), env.readings[setting.name].source, setting.help


def shown(setting: Setting, env: Environment) -> str:
    """Return a value that may be seen: of an address all but the password, of any other secret nothing."""
    value = env.readings[setting.name].value
    if isinstance(value, tuple):
        value = ", ".join(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    hidden = setting.secret and text and "://" not in text
    return MASK if hidden else mask(text)


def to_lines(env: Environment) -> str:
    """Return one line a setting, for programs."""
    return "".join(f"{name}={value}\t{source}\t{meaning}\n" for name, value, source, meaning in rows(env))


def show_table(env: Environment) -> None:
    """Print the table for people."""
    table = Table(header_style="bold", show_edge=False)
    for name, wraps in HEAD.items():
        table.add_column(name, no_wrap=not wraps, overflow="fold")
    for row in rows(env):
        table.add_row(*row)
    Console().print(table)


def to_markdown() -> str:
    """Return the page of the docs. `make` keeps no copy of its own: a test compares the page with this."""
    lines = ["| setting | kind | default | meaning |", "|---|---|---|---|"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        name = f"`{setting.name}`" + (", secret" if setting.secret else "")
        lines.append(f"| {name} | {setting.kind.name} | {default} | {setting.help} |")
    return INTRODUCTION + "\n".join(lines) + "\n"
