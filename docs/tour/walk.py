"""One walk through the API: every request is a curl command that really runs, written down with its answer."""

import json
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Unexpected", "Walk"]

STATUS = "\n%{http_code}"
# What a reader learns nothing from, shortened.
SHOWN_LINES = 40


class Unexpected(Exception):
    """A request was not answered as the tour promises."""


@dataclass
class Walk:
    """A transcript in the making.

    `variables` stand for secrets and hosts, in the transcript as in a shell; `unseen` are
    options of curl that only this machine needs.
    """

    variables: Mapping[str, str]
    headers: tuple[str, ...]
    base: str
    unseen: str = ""
    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Write a paragraph."""
        self.lines += [text, ""]

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, show: tuple[str, ...] = ()) -> Any:
        """Run one request and return the `data` of its answer; `show` picks the fields that the transcript keeps."""
        command = ["curl", "-sS", "-X", method, f'"{self.base}{path}"', *self.headers]
        if body is not None:
            command += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(json.dumps(body))]
        return self.run(command, expect, show).get("data")

    def run(self, command: list[str], expect: int, show: tuple[str, ...] = ()) -> Any:
        """Run a command of shell words, check the status and write both down."""
        shown = " ".join(command)
        told = subprocess.run(
            ["/bin/bash", "-c", f"{shown} {self.unseen} --max-time 20 -w {shlex.quote(STATUS)}"],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        text, _, status = told.stdout.rpartition("\n")
        if told.returncode or int(status) != expect:
            raise Unexpected(f"{shown}\n{told.stderr}{text}\n{status} instead of {expect}")
        answer = json.loads(text) if text else {}
        self.lines += ["```console", f"$ {folded(shown)}", f"# {status}", *picture(answer, show), "```", ""]
        return answer


def folded(command: str) -> str:
    """Return a command with a line for each of its options, as people write it."""
    return command.replace(" -H ", " \\\n    -H ").replace(" -d ", " \\\n    -d ")


def picture(answer: Any, show: tuple[str, ...]) -> list[str]:
    """Return the answer as people read it; of one record, only the fields in `show`."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if show and isinstance(data, dict):
        answer = {**answer, "data": {name: data[name] for name in show}}
    lines = json.dumps(answer, indent=2, ensure_ascii=False).splitlines()
    return lines if len(lines) <= SHOWN_LINES else [*lines[:SHOWN_LINES], "  ..."]
