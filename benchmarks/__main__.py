"""`make bench`: starts servers of its own in a folder that is deleted at the end, and measures against them.

`python -m benchmarks` measures calls and deliveries; with a name behind it that alone, or one of the others: quick, the
CPU of the hot calls beside the committed figures, latency, from a change to its receipt, soak, ten minutes of load, and
growth, the same calls among more tenants and rows.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from config.embedded import Embedded

MEASURES = {
    "calls": "benchmarks.throughput",
    "quick": "benchmarks.measuring",
    "deliveries": "benchmarks.deliveries",
    "latency": "benchmarks.latency",
    "soak": "benchmarks.soak",
    "growth": "benchmarks.growth",
}
# Here the servers must be as safe as they really are.
REAL = ("calls", "latency", "soak")
ALWAYS = ("calls", "deliveries")


def main(names: list[str]) -> int:
    """Run what was named, with its options behind it, or what is quick, each with servers of its own."""
    if names and names[0] not in MEASURES:
        print(f"Choose one of: {', '.join(MEASURES)}.", file=sys.stderr)
        return 2
    wanted, options = (names[:1], names[1:]) if names else (ALWAYS, [])
    return max(measured(name, options) for name in wanted)


def measured(name: str, options: list[str]) -> int:
    """Run one in a process of its own, which reads the servers' addresses from its environment."""
    home = Path(tempfile.mkdtemp(prefix="kith-bench-"))
    home.chmod(0o755)
    servers = Embedded(home, fast=name not in REAL)
    try:
        servers.start()
        settings = {"KITH_HOME": str(home), "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "config.settings"}
        receivers = {"WEBHOOK_ALLOWED_NETS": "127.0.0.1/32"}
        command = [sys.executable, "-m", MEASURES[name], *options]
        return subprocess.run(command, env=os.environ | servers.urls | settings | receivers, check=False).returncode
    finally:
        servers.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
