"""Remembers the processes of a start in KITH_HOME/running.json, so that the next one can stop what a crash left."""

import json
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

import psutil

from config.child import Child

PATIENCE_SECONDS = 10


class Entry(TypedDict):
    """One process. The time it was made tells it from a later process with the same number."""

    name: str
    pid: int
    created: float
    signal: int


def write(home: Path, children: Sequence[Child]) -> None:
    """Write down the running processes; without any, leave no file."""
    path = home / "running.json"
    if children:
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps([entry for child in children if (entry := find_entry(child))]), encoding="utf-8")
        draft.replace(path)
    else:
        path.unlink(missing_ok=True)


def find_entry(child: Child) -> Entry | None:
    """Describe a process, unless it is gone already."""
    with suppress(psutil.Error):
        created = psutil.Process(child.pid).create_time()
        return {"name": child.name, "pid": child.pid, "created": created, "signal": child.program.signal}
    return None


def stop(home: Path) -> list[str]:
    """Stop what an earlier start left behind, the last started first, and return the names."""
    names = []
    for entry in reversed(read(home / "running.json")):
        process = find_process(entry)
        if process:
            end(process, signal.Signals(entry["signal"]))
            names.append(entry["name"])
    write(home, [])
    return names


def read(path: Path) -> list[Entry]:
    """Return the processes of the last start; a file that cannot be read counts as none."""
    try:
        entries: list[Entry] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return entries


def find_process(entry: Entry) -> psutil.Process | None:
    """Return the process of an entry when it is still the same one."""
    with suppress(psutil.Error):
        process = psutil.Process(entry["pid"])
        if abs(process.create_time() - entry["created"]) < 2:
            return process
    return None


def end(process: psutil.Process, farewell: signal.Signals) -> None:
    """Ask a process to end, and end it and its children by force when it does not."""
    with suppress(psutil.NoSuchProcess):
        family = [*process.children(recursive=True), process]
        process.send_signal(farewell)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        for member in alive:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(alive, timeout=PATIENCE_SECONDS)
