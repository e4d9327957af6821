"""Where the processes of one web server count together, each in files of its own; imported before anybody counts.

Values are written to memory that is mapped to those files: any process can add up all of them, also for one that died.
"""

import os
import platform
import shutil
import sys
import time
from pathlib import Path

import psutil

from config import env

__all__ = ["FOLDER", "counters"]

# Its library looks here, once, when it is first imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# What another machine, or a container that is gone, has left here.
FORGOTTEN = 7 * 86_400


def open_folder(home: Path) -> Path:
    """Make the folder of this web server, named after the process that has started its processes, and drop old ones."""
    server = psutil.Process(os.getppid())
    own = home / "metrics" / name_of(server)
    own.mkdir(parents=True, exist_ok=True)
    for folder in own.parent.iterdir():
        if folder != own and is_over(folder):
            shutil.rmtree(folder, ignore_errors=True)
    return own


def name_of(server: psutil.Process) -> str:
    return f"{platform.node()}-{server.pid}-{server.create_time():.0f}"


def is_over(folder: Path) -> bool:
    """Tell whether the web server of a folder has ended; of other machines only time tells."""
    machine, pid, _ = folder.name.rsplit("-", 2)
    try:
        if machine != platform.node():
            return folder.stat().st_mtime < time.time() - FORGOTTEN
        return name_of(psutil.Process(int(pid))) != folder.name
    except psutil.NoSuchProcess:
        return True
    except FileNotFoundError:
        # Another process of this server was faster.
        return False


def counters(folder: Path) -> set[int]:
    """Return the processes that have counted here, with those that are over."""
    return {int(path.stem.rpartition("_")[2]) for path in folder.glob("*.db")}


# In tests the library may be there already; then each process counts for itself.
if "prometheus_client" not in sys.modules and FOLDER not in os.environ:
    os.environ[FOLDER] = str(open_folder(env.read().home))
