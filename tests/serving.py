"""Kith behind a port, out of the process of the tests: for clients that speak HTTP for themselves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

__all__ = ["served"]

addresses = count(1)


class Handler(WSGIRequestHandler):
    """Serves without a log; each request comes from an address of its own, as wrong keys are counted by address."""

    def get_environ(self) -> dict[str, Any]:
        number = next(addresses)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return {**super().get_environ(), "REMOTE_ADDR": address}

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    """Serve on a free port, and give its address."""
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Handler) as server:
        thread = threading.Thread(target=serve, args=[server], daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serve(server: WSGIServer) -> None:
    server.serve_forever(poll_interval=0.05)
    connections.close_all()
