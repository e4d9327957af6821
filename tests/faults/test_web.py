"""Web processes that are killed at every point of a write: who repeats the request gets one record, at once."""

import time
from collections import Counter

import psutil
import pytest
import requests

from tests.faults.harness import Kith, Side, wait_for
from tests.faults.invariants import invariants

TURNS = 20
# Where tests/faults/dying.py knows how to die.
POINTS = ("before lock", "after lock", "after insert", "before commit", "after commit", "after half the response")


@pytest.mark.deep
def test_f3_web_killed_at_six_points(kith: Kith, tally: dict[str, str]) -> None:
    side = kith.side()
    kith.environ["WEB_WORKERS"] = "6"
    kith.start("worker", "beat")
    kith.start("web", app="tests.faults.dying", extra=("--respawn-interval", "0.1"))
    waits: list[float] = []
    cut = replayed = 0
    names = [f"{point} {turn}" for turn in range(TURNS) for point in POINTS]
    for name in names:
        wait_for(lambda: workers_up(kith) >= 3, 60, "new web workers")
        cut += is_cut_short(kith, side, name)
        waited, again = repeat(kith, side, name)
        waits.append(waited)
        replayed += again
    rows = Counter(row[0] for row in kith.rows("SELECT name FROM crm_client WHERE tenant_id = ANY(%s)", kith.tenants))
    assert rows == Counter(names)
    assert cut == TURNS
    # After the commit there is something to replay; before it there is nothing.
    assert replayed == 2 * TURNS
    kith.wait_delivered(len(names), 60)
    figures = invariants(kith)
    assert max(waits) < 5
    tally["F3"] = (
        f"{figures}; one row for each of {len(names)} keys, {replayed} replayed, repeated with success within "
        f"{sorted(waits)[int(len(waits) * 0.95)]:.2f} s (p95), {max(waits):.2f} s at the worst"
    )


def workers_up(kith: Kith) -> int:
    """Return how many processes of the web server are ready."""
    pids = [int(path.stem.partition("-")[2]) for path in kith.home.glob("web-*.ready")]
    return sum(map(psutil.pid_exists, pids))


def is_cut_short(kith: Kith, side: Side, name: str) -> bool:
    """Send a request that kills its server; return whether half of an answer came."""
    point = name.rpartition(" ")[0]
    headers = {"Authorization": f"Bearer {side.key}", "Idempotency-Key": name, "X-Die": point}
    begun = False
    try:
        with requests.post(
            f"{kith.base}/v1/clients", json={"name": name}, headers=headers, stream=True, timeout=10
        ) as answer:
            begun = answer.status_code == 201
            whole = answer.content
    except requests.RequestException:
        return begun
    raise AssertionError(f"{point}: it was answered, {whole!r}")


def repeat(kith: Kith, side: Side, name: str) -> tuple[float, bool]:
    """Repeat it until it succeeds; return how long that took, and whether it was a replay."""
    start = time.monotonic()
    while True:
        answer = kith.make_client(side, name, **{"Idempotency-Key": name})
        if answer is not None and answer.status_code == 201:
            return time.monotonic() - start, "Idempotent-Replayed" in answer.headers
        assert answer is None or answer.status_code == 409
        time.sleep(0.05)
