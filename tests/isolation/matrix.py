"""Asks as Acme, and notes every answer that tells something about Globex."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.conftest import Answer
from tests.isolation.world import World
from tests.routes import Route
from tests.shares import Turns

__all__ = ["Matrix", "seen"]

# They differ from request to request, whatever was asked; Link repeats the query.
VOLATILE = ("x-request-id", "x-ratelimit-", "ratelimit", "link")


@dataclass
class Matrix:
    """The cases asked so far, the leaks they found, and the methods of routes they reached."""

    world: World
    turns: Turns
    cases: int = 0
    leaks: list[str] = field(default_factory=list)
    reached: set[tuple[str, str]] = field(default_factory=set)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes whose every method is asked; a second mount leads to the same views."""
        return self.world.routes if self.turns.share == 1 else self.world.firsts

    def ask(self, route: Route, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request as Acme; anything of Globex's in its answer that the request does not hold is a leak."""
        self.cases += 1
        self.reached.add((route.path, method))
        answer = self.world.acme.send(route, method, path, body, **headers)
        sent = path.encode() + orjson.dumps(body) + repr(headers).encode()
        told = [secret for secret in self.world.secrets if secret in answer.raw and secret not in sent]
        self.expect(not told, f"{method} {path} {body or ''} tells {told[:3]}")
        self.expect(answer.status < 500, f"{method} {path} {body or ''} fails: {answer.body}")
        return answer

    def expect(self, holds: bool, leak: str) -> None:
        if not holds:
            self.leaks.append(leak[:500])

    def compare(self, what: str, ask: Callable[[str], Answer], ids: Mapping[str, str]) -> dict[str, Answer]:
        """Ask with each of the ids; what is not Acme's must be answered byte for byte like what does not exist."""
        answers = {kind: ask(value) for kind, value in ids.items()}
        for kind in answers.keys() - {"own", "unknown", "history"}:
            alike = seen(answers[kind]) == seen(answers["unknown"])
            self.expect(alike, f"{what}: {kind} {answers[kind].raw[:200]!r}, unknown {answers['unknown'].raw[:200]!r}")
        return answers


def seen(answer: Answer) -> tuple[int, bytes, dict[str, str]]:
    """Return what a caller can tell two answers apart by: all of it but the request's id and the rate headers."""
    kept = {name: value for name, value in answer.headers.items() if not name.lower().startswith(VOLATILE)}
    return answer.status, answer.raw.replace(answer.headers["X-Request-ID"].encode(), b""), kept
