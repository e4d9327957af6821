"""Receivers that drip, flood and lie: each attempt is over within its deadline, and none fills the memory (F12)."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
import pytest
from django.test import override_settings

from tests.webhooks.hostile import HOSTILE, Receiver, answering, receiver
from webhooks.sender import Answer, Post, Sender

DEADLINE = 2.0
BODY = b"x" * 256 * 1024
MEGABYTE = 1024 * 1024


@dataclass
class Siege:
    """What came of a post to each hostile receiver, all at once."""

    answers: dict[str, Answer]
    grown: int  # bytes, at the highest
    elapsed: float


@contextmanager
def watched() -> Iterator[list[int]]:
    """Give what the memory of this process measures, fifty times a second."""
    process, sizes, over = psutil.Process(os.getpid()), [0], threading.Event()
    sizes[0] = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.02):
            sizes.append(process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()


async def send(receivers: dict[str, Receiver]) -> list[Answer]:
    async with Sender(DEADLINE) as sender:
        posts = [Post(there.url, {"Content-Type": "application/json"}, BODY) for there in receivers.values()]
        return await asyncio.gather(*map(sender.post, posts))


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    with ExitStack() as stack:
        stack.enter_context(override_settings(WEBHOOK_ALLOWED_NETS=("127.0.0.1/32",)))
        receivers = {name: stack.enter_context(receiver(behave)) for name, (behave, _) in HOSTILE.items()}
        # What is loaded and made once is not what a hostile receiver costs.
        asyncio.run(send({"good": stack.enter_context(receiver(answering()))}))
        start = time.monotonic()
        with watched() as sizes:
            answers = asyncio.run(send(receivers))
        elapsed = time.monotonic() - start
        assert all(there.connects == 1 for there in receivers.values())
        yield Siege(dict(zip(receivers, answers, strict=True)), max(sizes) - sizes[0], elapsed)


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_over_within_the_deadline(siege: Siege, name: str) -> None:
    answer = siege.answers[name]
    assert answer.duration_ms <= DEADLINE * 1000 + 1000
    assert answer.failure.startswith(HOSTILE[name][1]) and bool(answer.failure) == bool(HOSTILE[name][1]), (
        answer.failure
    )
    assert answer.ok is not bool(answer.failure)
    assert len(answer.body) <= 16 * 1024


def test_it_does_not_fill_the_memory(siege: Siege, tally: dict[str, str]) -> None:
    slowest = max(answer.duration_ms for answer in siege.answers.values())
    tally["hostile receivers"] = (
        f"{len(siege.answers)} at once in {siege.elapsed:.1f} s, the slowest {slowest} ms, "
        f"memory grew by {siege.grown / MEGABYTE:.1f} MB"
    )
    assert siege.grown < 20 * MEGABYTE
