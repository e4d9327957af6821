"""The name service, asked in threads that nobody has to wait for: a hostile one keeps silent for half a minute."""

import os
import socket
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Semaphore, Thread

__all__ = ["look_up"]

MOST = 256


class Desk:
    """Answers questions in as many threads as there are questions open; they end with the process, even if they hang.

    The pools of the standard library hold up the end of a process until the last look-up has an answer.
    """

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.questions: SimpleQueue[tuple[str, Future[list[str]]]] = SimpleQueue()
        self.idle = Semaphore(0)
        self.threads = 0

    def ask(self, host: str) -> Future[list[str]]:
        answer: Future[list[str]] = Future()
        self.questions.put((host, answer))
        if not self.idle.acquire(blocking=False) and self.threads < MOST:
            self.threads += 1
            Thread(target=self.work, name=f"names {self.threads}", daemon=True).start()
        return answer

    def work(self) -> None:
        while True:
            host, answer = self.questions.get()
            # Whoever asked may have given up.
            if answer.set_running_or_notify_cancel():
                reply(answer, host)
            self.idle.release()


desk = Desk()
# A process that is forked has none of its parent's threads.
os.register_at_fork(after_in_child=desk.open)


def look_up(host: str) -> Future[list[str]]:
    """Return, at once, what will be every address of `host`, or an OSError."""
    return desk.ask(host)


def reply(answer: Future[list[str]], host: str) -> None:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        answer.set_exception(error)
    except Exception as error:  # noqa: BLE001  a thread that died of it would leave whoever asked waiting
        answer.set_exception(OSError(str(error)))
    else:
        # An address with a zone keeps it, and is refused.
        answer.set_result([f"{a[0]}%{a[3]}" if len(a) == 4 and a[3] else str(a[0]) for *_, a in infos])
