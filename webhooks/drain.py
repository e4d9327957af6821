"""The work itself: events fanned out, lanes claimed, deliveries posted at most fifty at a time, results written back.

One drain runs for RUN_SECONDS, or until nothing is due; while it then waits for slow endpoints it goes on with those
that answer at once. It may die at any moment: nothing is lost, as the leases of its lanes run out and another drain
goes on; only what was under way is sent again, under the same webhook-id.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from django.conf import settings

from tenants import ids
from webhooks import endpoints
from webhooks.backoff import delay_after
from webhooks.fanout import Fanned, fan_out
from webhooks.models import Attempt, Delivery
from webhooks.notices import note_ailing, note_gone, note_silenced
from webhooks.posting import Posting
from webhooks.queue import Lane, Outcome, Queue, Result, Taken
from webhooks.secrets import Unreadable, unseal
from webhooks.sender import Answer, Post
from webhooks.signing import sign
from webhooks.speech import Heard, speech
from webhooks.watching import tell

__all__ = ["SLOTS", "Drain"]

log = logging.getLogger("kith.webhooks")
SLOTS = 50
# A tenant has at most a quarter of the slots, and so have all slow endpoints together.
TENANT_SLOTS = SLOW_SLOTS = SLOTS // 4
# A lane takes as many at once; then it is the next one's turn.
MOST_A_TURN = 10
SLOW_MS = 2000
# Twice the deadline of an attempt may come on top, and the task must not take longer than 45 s.
RUN_SECONDS = 12.0
# How often it looks for new work while it waits for answers.
LOOK_SECONDS = 0.1
# How long it waits, when it has to end, for what is under way.
FAREWELL_SECONDS = 3.0
GONE = 410
NOTHING = Fanned(0, 0, ())
STOPPED = "the worker was stopped before an answer came"
HELLO = "This is a test: the endpoint is reached, and the signature can be verified."
Key = tuple[UUID, UUID]


@dataclass
class Turn:
    """A lane that is held, and how its deliveries have gone so far."""

    lane: Lane
    waiting: int = 0
    total: int = 0
    failed: int = 0
    slow: bool = False
    gone: bool = False
    since: float = field(default_factory=time.monotonic)

    def note(self, result: Result) -> None:
        self.waiting -= 1
        if result.state != Attempt.State.UNKNOWN:
            self.total += 1
            self.failed += result.state == Attempt.State.FAILED
            self.slow = self.slow or result.duration_ms > SLOW_MS
            self.gone = self.gone or result.code == GONE


class Drain:
    """One run: the lanes it holds, what is under way to them, and what is to be written down."""

    def __init__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        self.lease = settings.WEBHOOK_LEASE_SECONDS
        self.queue = Queue(lease=self.lease, circuit=settings.WEBHOOK_CIRCUIT_SECONDS)
        self.stopping = stopping
        self.turns: dict[Key, Turn] = {}
        self.under_way: dict[UUID, Taken] = {}
        self.results: list[Result] = []
        self.next_look = 0.0
        self.ending = False

    def run(self, seconds: float = RUN_SECONDS) -> bool:
        """Work; return whether there may be something left to do."""
        end = time.monotonic() + seconds
        with Posting[UUID](settings.WEBHOOK_DEADLINE_SECONDS) as posting:
            while not self.stopping():
                self.ending = time.monotonic() >= end
                # Nobody waits for slow endpoints: what answers at once is sent as long as they are under way.
                claiming = not self.ending or any(turn.lane.slow for turn in self.turns.values())
                fanned = self.look() if claiming else NOTHING
                self.step(posting, claiming=claiming)
                if not (self.under_way or self.turns or fanned.events):
                    return not claiming
                self.hear(posting, 0 if fanned.events or not self.under_way else LOOK_SECONDS)
            self.leave(posting)
            return True

    def look(self) -> Fanned:
        """Fan out what is new, if it is time to look."""
        if time.monotonic() < self.next_look:
            return NOTHING
        fanned = fan_out()
        note_silenced(fanned.silenced)
        self.next_look = 0.0 if fanned.events else time.monotonic() + LOOK_SECONDS
        return fanned

    def step(self, posting: Posting[UUID], *, claiming: bool) -> None:
        """Write back what was answered, let lanes go that are done, take new ones and send what they have."""
        done = [turn for turn in self.turns.values() if not turn.waiting]
        taken: Sequence[Taken] = ()
        with self.queue.transaction():
            if self.results:
                self.queue.write_back(self.results)
            ailing = self.queue.give_back([outcome_of(turn) for turn in done]) if done else []
            for turn in done:
                del self.turns[turn.lane.key]
            self.renew()
            if claiming and len(self.under_way) < SLOTS:
                taken = self.claim()
        self.results.clear()
        posting.submit(self.posts(taken))
        note_gone(turn.lane.key for turn in done if turn.gone)
        note_ailing(ailing)

    def renew(self) -> None:
        """Hold on to the lanes whose answers take long."""
        now = time.monotonic()
        if old := [turn for turn in self.turns.values() if now - turn.since > self.lease / 3]:
            self.queue.renew([turn.lane.key for turn in old])
            for turn in old:
                turn.since = now

    def claim(self) -> Sequence[Taken]:
        """Take lanes and their deliveries, as far as there are slots: for each tenant, and for the slow ones."""
        used = Counter(taken.tenant_id for taken in self.under_way.values())
        slow = sum(self.turns[taken.lane].lane.slow for taken in self.under_way.values())
        full = [tenant for tenant, count in used.items() if count >= TENANT_SLOTS]
        free = SLOTS - len(self.under_way)
        lanes = self.queue.claim(free, full=full, slow=0 if self.ending else SLOW_SLOTS - slow)
        if not lanes:
            return ()
        self.turns |= {lane.key: Turn(lane) for lane in lanes}
        taken = self.queue.take(lanes, list(shares(lanes, free, used)))
        for one in taken:
            self.under_way[one.attempt_id] = one
            self.turns[one.lane].waiting += 1
        return taken

    def posts(self, taken: Iterable[Taken]) -> Iterator[tuple[UUID, Post]]:
        """Yield what is to be sent. What cannot even be said fails like what could not be sent."""
        for one in taken:
            try:
                yield one.attempt_id, post_of(one, self.turns[one.lane].lane)
            except (Unreadable, ValueError, LookupError, TypeError) as error:
                log.exception("A delivery cannot be made", exc_info=error)
                self.settle(result_of(one, Answer(failure="could not be made: see the log of the worker")))

    def hear(self, posting: Posting[UUID], seconds: float) -> None:
        """Take in the answers that have come, waiting up to `seconds` for the first."""
        for attempt_id, answer in posting.collect(seconds):
            self.settle(result_of(self.under_way[attempt_id], answer))

    def settle(self, result: Result) -> None:
        del self.under_way[result.taken.attempt_id]
        self.turns[result.taken.lane].note(result)
        self.results.append(result)
        tell(result)

    def leave(self, posting: Posting[UUID]) -> None:
        """Give everything back before the process ends; what has no answer by then is left to the next."""
        end = time.monotonic() + FAREWELL_SECONDS
        while self.under_way and time.monotonic() < end:
            self.hear(posting, LOOK_SECONDS)
        for taken in list(self.under_way.values()):
            self.settle(Result(taken, Attempt.State.UNKNOWN, Delivery.Status.PENDING, 0.0, None, 0, STOPPED, {}, ""))
        self.step(posting, claiming=False)


def shares(lanes: Sequence[Lane], free: int, used: Mapping[UUID, int]) -> Iterator[int]:
    """Yield how many deliveries each lane may send in this turn."""
    tenants = Counter(lane.tenant_id for lane in lanes)
    room = {tenant: TENANT_SLOTS - used.get(tenant, 0) for tenant in tenants}
    for number, lane in enumerate(lanes, start=1):
        own = room[lane.tenant_id] // tenants[lane.tenant_id]
        fair = min(MOST_A_TURN, max(own, 1), free - (len(lanes) - number))
        share = min(1 if lane.careful else fair, room[lane.tenant_id])
        tenants[lane.tenant_id] -= 1
        room[lane.tenant_id] -= share
        free -= share
        yield share


def outcome_of(turn: Turn) -> Outcome:
    return Outcome(turn.lane.key, turn.total, turn.failed, turn.slow)


def post_of(taken: Taken, lane: Lane) -> Post:
    """Return the POST of a delivery: its body in the contract's words, signed with every secret that holds."""
    name = ids.encode("evt", taken.event_id)
    body = speech().say(lane.contract, heard(taken))
    secrets = [unseal(sealed) for sealed in lane.secrets_sealed]
    own = orjson.loads(unseal(lane.headers_sealed)) if lane.headers_sealed else {}
    headers = {
        **own,
        "content-type": "application/json",
        "user-agent": "Kith-Webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": str(taken.now),
        "webhook-signature": sign(secrets, name, taken.now, body),
        "webhook-attempt": str(taken.attempts + 1),
    }
    return Post(lane.url, headers, body)


def heard(taken: Taken) -> Heard:
    """Return what is to be told: the ledger's event, or a test."""
    resource, data, changes = taken.resource, taken.data, taken.changes
    if taken.type == endpoints.PING:
        resource, changes = "webhook", "{}"
        data = orjson.dumps({"id": ids.encode(endpoints.PREFIX, taken.endpoint_id), "message": HELLO}).decode()
    if resource is None or data is None or changes is None:
        raise LookupError(f"The ledger has no event {taken.event_id}.")
    return Heard(taken.event_id, taken.type, resource, taken.timestamp, taken.record_version, data, changes)


def result_of(taken: Taken, answer: Answer) -> Result:
    """Return what an answer means for its delivery: done, tried again after a delay, or given up. Tests try once."""
    text = answer.body.decode(errors="replace").replace("\0", "")
    more = (answer.status, answer.duration_ms, answer.failure, answer.headers, text)
    if answer.ok:
        return Result(taken, Attempt.State.SUCCEEDED, Delivery.Status.DELIVERED, 0.0, *more)
    asked = answer.retry_after if answer.status in (429, 503) else None
    delay = delay_after(taken.attempts + 1, retry_after=asked, slow=answer.slow_retry)
    if delay is None or taken.type == endpoints.PING:
        return Result(taken, Attempt.State.FAILED, Delivery.Status.EXHAUSTED, 0.0, *more)
    return Result(taken, Attempt.State.FAILED, Delivery.Status.PENDING, delay, *more)
