"""Starts everything Kith needs, in order, watches it, and stops it in the reverse order."""

import json
import os
import sys
from typing import Any

from config import env
from config.env import Environment
from config.errors import StartError
from config.supervisor import checks, leftovers, parts, ready
from config.supervisor.console import Console
from config.supervisor.greeting import greet
from config.supervisor.house import Ended, House
from config.supervisor.lock import Lock
from config.supervisor.signals import Signals, Stop

OWN = ("embedded", "default")
SERVERS = {"DATABASE": "PostgreSQL", "REDIS": "Redis"}


def run(*, port: int | None, demo: bool) -> int:
    """Run Kith until a signal ends it, which is 0, or one of its processes keeps ending, which is 1.

    Raises StartError, or ImproperlyConfigured for a wrong setting, when Kith cannot start.
    """
    signals = Signals()
    signals.install()
    if port:
        os.environ["PORT"] = str(port)
    # No balancer chooses between this web server and another.
    os.environ["DRAIN_SECONDS"] = "0"
    settings = env.read()
    try:
        console = Console(as_json=settings.text("LOG_FORMAT") == "json")
        with Lock(settings.home), console, House(settings.home, console, signals) as house:
            start(house, settings, demo=demo)
            house.watch()
    except Stop:
        return 0
    except Ended as error:
        print(error, file=sys.stderr)
    return 1


def start(house: House, settings: Environment, *, demo: bool) -> None:
    """Start everything, and greet when all of it answers."""
    stopped = leftovers.stop(house.home)
    if stopped:
        house.console.say(f"Stopped what an earlier start left behind: {', '.join(stopped)}")
    checks.check_port(settings.text("HOST"), settings.number("PORT"))
    start_servers(house, settings)
    logins = prepare(house, demo=demo)
    start_parts(house, settings)
    greet(house.console, settings, logins)


def start_servers(house: House, settings: Environment) -> None:
    """Check the servers that were given, and start our own in the place of those that were not."""
    own = {name: settings.readings[f"{name}_URL"].source in OWN for name in SERVERS}
    if not own["REDIS"]:
        checks.check_redis(settings)
    checks.check_broker(settings)
    if not own["DATABASE"]:
        checks.check_databases(settings)
    if any(own.values()):
        house.console.say("Starting " + " and ".join(SERVERS[name] for name in own if own[name]))
        house.start_servers(postgres=own["DATABASE"], redis=own["REDIS"])


def prepare(house: House, *, demo: bool) -> dict[str, Any]:
    """Bring the database up to date, and return the logins of the demo."""
    answer = house.ask(parts.prepare(demo=demo))
    if answer is None:
        raise StartError("The database could not be prepared; the lines above say why.")
    logins: dict[str, Any] = json.loads(answer) if demo else {}
    return logins


def start_parts(house: House, settings: Environment) -> None:
    """Start web server, worker and clock together, and wait until each of them answers."""
    house.console.say("Starting web server, worker and clock")
    ready.forget(house.home)
    for program in parts.programs(settings, colour=house.console.colour):
        house.start(program)
    ready.wait(settings, house.rest)
