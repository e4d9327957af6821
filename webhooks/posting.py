"""Many POSTs at once, in a thread with an event loop of its own, while the one that works the queue goes on."""

import asyncio
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from webhooks.sender import Answer, Post, Sender

__all__ = ["Posting"]

T = TypeVar("T")


class Posting(Generic[T]):
    """Sends what it is given, each with a token by which the answer is known again."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.answers: SimpleQueue[tuple[T, Answer]] = SimpleQueue()
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.run, name="webhooks", daemon=True)
        self.tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> "Posting[T]":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End at once; what has no answer yet gets none."""
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            self.ended = asyncio.Event()
            runner.run(self.serve())

    async def serve(self) -> None:
        async with Sender(self.deadline) as self.sender:
            await self.ended.wait()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def submit(self, posts: Iterable[tuple[T, Post]]) -> None:
        """Begin to send; the answers come in their own time."""
        self.loop.call_soon_threadsafe(self.begin, list(posts))

    def begin(self, posts: list[tuple[T, Post]]) -> None:
        for token, post in posts:
            task = self.loop.create_task(self.send(token, post))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def send(self, token: T, post: Post) -> None:
        self.answers.put((token, await self.sender.post(post)))

    def collect(self, seconds: float) -> list[tuple[T, Answer]]:
        """Return the answers that have come; where there are none, wait up to `seconds` for the first."""
        found = []
        try:
            found.append(self.answers.get(timeout=seconds))
            while True:
                found.append(self.answers.get_nowait())
        except Empty:
            return found
