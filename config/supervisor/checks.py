"""What must be true before Kith starts; what is not ends in one sentence with the cause and the cure."""

import errno
import socket
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from kombu import Connection as Broker
from psycopg import Connection

from config import roles
from config.databases import NO_DATABASE, POOLED, need_logins, session_settings, to_parts
from config.env import DATABASE_URLS, Environment
from config.errors import StartError

OLDEST_POSTGRES = 14


def check_port(host: str, port: int) -> None:
    """Refuse a port that somebody else listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise StartError(port_sentence(host, port, error)) from None


def port_sentence(host: str, port: int, error: OSError) -> str:
    """Say why a port cannot be had."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: stop that one, or choose another port with PORT={port + 1}."
    if error.errno == errno.EACCES:
        return f"Port {port} is kept for the administrator of this machine: choose one above 1023 with PORT=8000."
    return f"HOST {host} is no address of this machine ({error.strerror}): use 127.0.0.1, or 0.0.0.0 for all."


def check_databases(env: Environment) -> None:
    """Check the three addresses of a database that is not our own, and make the roles that are missing."""
    if not env.text("DATABASE_URL"):
        raise StartError(NO_DATABASE)
    if env.flag("DATABASE_POOLER"):
        need_logins(env)
        # First of all: a pooler keeps a connection as it began.
        settings = {to_parts(name, env.text(name))["user"]: session_settings(env, name) for name in POOLED}
        ensure_roles(env, *settings, settings=settings)
    app, staff, _ = (check_database(given_name(env, name), env.text(name)) for name in DATABASE_URLS)
    if not env.flag("DATABASE_POOLER"):
        ensure_roles(env, app, staff)


def ensure_roles(env: Environment, app: str, staff: str, **settings: Any) -> None:
    """Make the roles that are missing, as whoever owns the tables."""
    with connect("DATABASE_MIGRATION_URL", env.text("DATABASE_MIGRATION_URL")) as connection:
        roles.ensure(connection, app=app, staff=staff, **settings)


def given_name(env: Environment, name: str) -> str:
    """Return the name of the setting that a person gave; the others took its value."""
    return "DATABASE_URL" if env.readings[name].source == "default" else name


def check_database(name: str, url: str) -> str:
    """Check that a database answers and is not too old; return the user who logs in."""
    with connect(name, url) as connection:
        version = connection.info.server_version // 10_000
        if version < OLDEST_POSTGRES:
            place = f"{connection.info.host}:{connection.info.port}"
            raise StartError(f"PostgreSQL at {place} is version {version}: Kith needs {OLDEST_POSTGRES} or newer.")
        return connection.info.user


def connect(name: str, url: str) -> Connection:
    """Connect to a database, or say which of the usual causes it was."""
    try:
        return psycopg.connect(url, connect_timeout=3, autocommit=True)
    except psycopg.OperationalError as error:
        raise StartError(database_sentence(name, to_parts(name, url), str(error))) from None


def database_sentence(name: str, parts: dict[str, str], error: str) -> str:
    """Say why a database cannot be used."""
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    user, database = parts.get("user", ""), parts.get("dbname", "")
    if "password" in error or "authentication" in error:
        return f"PostgreSQL at {place} refuses the password of user {user}: correct the password in {name}."
    if f'role "{user}" does not exist' in error:
        return f"PostgreSQL at {place} has no user {user}: create it, or correct the user in {name}."
    if f'database "{database}" does not exist' in error:
        return f"PostgreSQL at {place} has no database {database}: create it, or correct the name in {name}."
    reason = error.strip().splitlines()[-1].strip().rstrip(".")
    return f"PostgreSQL at {place} cannot be reached ({reason}): start it, or correct host and port in {name}."


def check_redis(env: Environment) -> None:
    """Check the Redis that is not our own."""
    url = env.text("REDIS_URL")
    if not url or env.readings["REDIS_URL"].source == "embedded":
        return
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
    except (redis.AuthenticationError, redis.ResponseError):
        raise StartError(f"Redis at {redis_place(url)} refuses the password: correct it in REDIS_URL.") from None
    except (redis.RedisError, OSError, ValueError) as error:
        reason = str(error).strip().rstrip(".")
        message = f"Redis at {redis_place(url)} cannot be reached ({reason}): start it, or correct REDIS_URL."
        raise StartError(message) from None


def check_broker(env: Environment) -> None:
    """Check the broker that is not Redis."""
    url = env.text("BROKER_URL")
    if not url:
        return
    broker = Broker(url, connect_timeout=3)
    # Each kind of broker fails in ways of its own.
    failures: tuple[type[BaseException], ...] = (OSError, ValueError, *broker.connection_errors)
    try:
        with broker:
            broker.connect()
    except failures as error:
        parts, reason = urlsplit(url), str(error).strip().rstrip(".")
        message = f"The broker at {parts.hostname}:{parts.port or ''} cannot be used ({reason}): correct BROKER_URL."
        raise StartError(message) from None


def redis_place(url: str) -> str:
    """Return host and port of a Redis, without its password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
