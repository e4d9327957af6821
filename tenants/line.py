"""One kept connection to Redis for a thread: what every request asks is sent without taking one out of a pool."""

import time
from threading import local
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["Line"]


class Line(local):
    """Asks Redis, for `patience` seconds at most; after a failure it is let alone for `rest` seconds.

    No request waits twice for the same outage.
    """

    resting_until = 0.0
    connection: Any = None

    def __init__(self, *, patience: float, rest: float) -> None:
        self.patience, self.rest = patience, rest

    @property
    def is_resting(self) -> bool:
        """Whether it failed a moment ago."""
        return time.monotonic() < self.resting_until

    def ask(self, *command: Any) -> Any:
        """Return the answer to a command. Raises redis.RedisError or OSError, from ResponseError on without a rest."""
        if self.is_resting:
            raise redis.ConnectionError("Redis did not answer a moment ago.")
        try:
            return self.answer(*command)
        except redis.ResponseError:
            raise
        except (redis.RedisError, OSError):
            self.resting_until = time.monotonic() + self.rest
            raise

    def answer(self, *command: Any) -> Any:
        """Send a command and return the answer; a connection that Redis has closed is opened once more."""
        if self.connection is None:
            self.connection = self.make_connection()
        connection = self.connection
        packed, was_open = connection.pack_command(*command), connection.is_connected
        try:
            connection.send_packed_command(packed, check_health=False)
            return connection.read_response()
        except redis.TimeoutError:
            raise
        except redis.ConnectionError:
            if not was_open:
                raise
            connection.send_packed_command(packed, check_health=False)
            return connection.read_response()

    def make_connection(self) -> Any:
        client = redis.Redis.from_url(
            settings.LIMITS_URL,
            socket_timeout=self.patience,
            socket_connect_timeout=self.patience,
            retry=Retry(NoBackoff(), 0),
        )
        return client.connection_pool.make_connection()
