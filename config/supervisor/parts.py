"""The processes of Kith beside its servers: web server, worker and clock."""

import os
import signal
import sys

from config.child import Program
from config.env import BASE, Environment

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
# How long the web server may take for what it has begun, after which it is ended by force.
FINISH_SECONDS = 30
PYTHON = (sys.executable, "-m")


def prepare(*, demo: bool) -> Program:
    """Return what brings the database up to date. It may be ended at any moment: PostgreSQL undoes the half done."""
    command = (sys.executable, str(BASE / "manage.py"), "prepare", *(("--demo",) if demo else ()))
    return Program("prepare", command, signal.SIGTERM, environment(colour=False))


def programs(env: Environment, *, colour: bool) -> tuple[Program, ...]:
    """Return what to start, in order."""
    environ = environment(colour=colour)
    commands = {"web": web(env), "worker": worker(env), "beat": beat(env)}
    return tuple(Program(name, command, signal.SIGTERM, environ) for name, command in commands.items())


def environment(*, colour: bool) -> dict[str, str]:
    """Return the environment of our processes; their lines go through a pipe, and may be coloured all the same."""
    environ = {**os.environ, "PYTHONPATH": str(BASE), "PYTHONUNBUFFERED": "1"}
    return {**environ, "FORCE_COLOR": "1"} if colour else environ


def place(env: Environment) -> str:
    """Return host and port by which this machine itself reaches the web server."""
    host = env.text("HOST")
    return f"{LOOPBACK.get(host, host)}:{env.number('PORT')}"


def web(env: Environment) -> tuple[str, ...]:
    """Return the command of the web server. One thread a worker keeps one database connection a worker."""
    return (
        *(*PYTHON, "granian", "config.serving:application", "--interface", "rsgi", "--no-ws"),
        *("--host", env.text("HOST"), "--port", str(env.number("PORT"))),
        *("--workers", str(env.number("WEB_WORKERS")), "--backpressure", "1024"),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(env.number("DRAIN_SECONDS") + FINISH_SECONDS)),
        *("--log-level", "warning"),
    )


def worker(env: Environment) -> tuple[str, ...]:
    """Return the command of the worker; it asks no other workers for news, so it starts at once."""
    level = env.text("LOG_LEVEL")
    return (
        *PYTHON,
        "celery",
        "--quiet",
        "-A",
        "config",
        "worker",
        "--loglevel",
        level,
        "--without-gossip",
        "--without-mingle",
    )


def beat(env: Environment) -> tuple[str, ...]:
    """Return the command of the clock that starts tasks on time."""
    level = env.text("LOG_LEVEL")
    return (*PYTHON, "celery", "--quiet", "-A", "config", "beat", "--loglevel", level, "--pidfile", "")
