"""A receiver of webhooks in a process of its own: /now answers at once, /later after 50 ms; it notes all that comes."""

import asyncio
import json
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

import requests
from aiohttp import web

__all__ = ["Got", "Receiver"]

LATER_SECONDS = 0.05


class Got(NamedTuple):
    """One request: where it came, its webhook-id, and when, by the clock of this machine."""

    path: str
    id: str
    at: float


class Receiver:
    """The process, as others see it."""

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "benchmarks.receiver")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def count(self) -> int:
        """How many requests have come since the last clearing."""
        return int(requests.get(f"{self.url}/count", timeout=5).text)

    @property
    def got(self) -> list[Got]:
        """Return what has come."""
        return [Got(*one) for one in requests.get(f"{self.url}/got", timeout=30).json()]

    def clear(self) -> None:
        """Forget what has come."""
        requests.delete(self.url, timeout=5)

    def wait(self, count: int, seconds: float) -> None:
        """Wait until `count` requests have come, or raise AssertionError."""
        end = time.monotonic() + seconds
        while self.count < count:
            assert time.monotonic() < end, f"{self.count} of {count} came within {seconds:g} seconds"
            time.sleep(0.02)


async def serve() -> None:
    """Take requests on a free port, which is printed, until the process is ended."""
    got: list[tuple[Any, ...]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            got.append((request.path, request.headers.get("webhook-id", ""), time.time()))
            await request.read()
            if request.path.startswith("/later"):
                await asyncio.sleep(LATER_SECONDS)
            return web.Response(status=204)
        if request.method == "DELETE":
            got.clear()
        return web.Response(text=json.dumps(got) if request.path == "/got" else str(len(got)))

    loop = asyncio.get_running_loop()
    server = await loop.create_server(web.Server(answer, access_log=None), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
