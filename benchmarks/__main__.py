"""`make bench`: starts servers of its own in a folder that is deleted at the end, and measures against them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from config.embedded import Embedded


def main() -> int:
    """Run the measuring in a process of its own, which reads the servers' addresses from its environment."""
    home = Path(tempfile.mkdtemp(prefix="kith-bench-"))
    home.chmod(0o755)
    servers = Embedded(home, fast=True)
    try:
        servers.start()
        settings = {"KITH_HOME": str(home), "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "config.settings"}
        command = [sys.executable, "-m", "benchmarks.measuring"]
        return subprocess.run(command, env=os.environ | servers.urls | settings, check=False).returncode
    finally:
        servers.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
