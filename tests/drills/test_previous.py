"""F23: the previous release goes on working on the tables of this one, until all its processes are replaced.

Its own tests run, out of its own tree, on a database that this release has prepared.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded import Embedded
from config.env import BASE

pytestmark = pytest.mark.deep

# The last release; while there is no tag, the state before the tables changed last. It goes up with HISTORY of
# tests/test_migrations.py.
PREVIOUS = "d91561b"
SMOKE = ("tests/test_clients.py", "tests/test_invoices.py", "tests/test_idempotency.py", "tests/test_ledger.py")


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """Return the tree of the previous release."""
    git = shutil.which("git")
    if not git or not (BASE / ".git").exists():
        pytest.skip("the previous release is in the repository, and this is no checkout of it")
    archive = subprocess.run((git, "archive", PREVIOUS), cwd=BASE, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the repository does not reach back to {PREVIOUS}")
    subprocess.run(("tar", "-x", "-C", str(tmp_path)), input=archive.stdout, check=True)
    return tmp_path


def test_f23_the_previous_release_works_on_the_new_tables(
    servers: Embedded, previous: Path, tally: dict[str, str]
) -> None:
    environ = {**os.environ, **servers.urls, "KITH_HOME": str(servers.home), "PYTHONPATH": str(previous)}
    # One of the previous release reads the settings that it knows.
    run = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SMOKE),
        cwd=previous, env=environ, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    tally["F23, the previous release"] = run.stdout.strip().splitlines()[-1]
