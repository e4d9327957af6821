"""Receives webhooks on this machine, for trying: prints each, and whether its signature holds."""

import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from threading import Thread
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.json import JSON
from rich.text import Text

from webhooks.listening import UNCHECKED, Behaviour, Delivery, Server, check_secret

ENDINGS = (signal.SIGINT, signal.SIGTERM)
# Of a body that is no event, so many bytes are shown.
SHOWN = 2000
VERIFIED, UNKNOWN, WRONG = "verified", "not verified", "wrong"
STYLES = {VERIFIED: "green", UNKNOWN: "yellow", WRONG: "bold red"}
FIRST_STEPS = """
1. Let Kith send to this machine:
     WEBHOOK_ALLOWED_NETS=127.0.0.1/32 make run
2. Make an endpoint; its secret comes once, in data.secret:
     curl {kith}/v1/webhooks -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
          -d '{{"url": "{url}", "events": ["*"]}}'
3. Start this again with the secret, then change something:
     .venv/bin/python manage.py listen {port}--secret whsec_...
"""


class Command(BaseCommand):
    """`manage.py listen [--port N] [--secret S]... [--status N] [--delay S] [--fail-every N] [--plain] [--verbose]`."""

    help = f"{__doc__} It needs no database."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default 127.0.0.1)")
        parser.add_argument("--port", type=number(0, 65535), default=9000, help="the port (default 9000; 0 finds one)")
        parser.add_argument(
            "--secret", type=secret, action="append", default=[], help="whsec_… or whpk_…; twice while a rotation lasts"
        )
        parser.add_argument("--status", type=number(200, 599), default=200, help="answer with this status")
        parser.add_argument("--delay", type=seconds, default=0, help="answer only after so many seconds")
        parser.add_argument(
            "--fail-every",
            type=number(1, 10**9),
            default=0,
            metavar="N",
            help="answer 500 (or --status) to each Nth only",
        )
        parser.add_argument("--plain", action="store_true", help="print one JSON object a line, for pipes")
        parser.add_argument("--verbose", action="store_true", help="print the headers too")

    def handle(self, *_: Any, **options: Any) -> None:
        """Listen until SIGINT or SIGTERM."""
        printer = (Lines if options["plain"] else Printer)(options["verbose"])
        behaviour = Behaviour(options["status"], options["delay"], options["fail_every"])
        server = Server((options["host"], options["port"]), options["secret"], printer.show, behaviour)
        try:
            http = server.open()
        except OSError as error:
            place = f"{options['host']}:{options['port']}"
            reason = error.strerror or error
            raise CommandError(f"Cannot listen at {place} ({reason}): choose another --port.", returncode=2) from None
        # Blocked before any thread begins, so that they wait for sigwait and interrupt nothing.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
        with http:
            thread = Thread(target=http.serve_forever, args=[0.1], daemon=True)
            thread.start()
            printer.greet(f"http://{options['host']}:{http.server_port}/", server)
            signal.sigwait(ENDINGS)
            http.shutdown()
            thread.join()
        printer.end()


class Printer:
    """Prints what came: for people here, for programs in Lines."""

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self.console = Console(highlight=False)
        self.counts: Counter[str] = Counter()

    def greet(self, url: str, server: Server) -> None:
        """Say what to do first."""
        self.say(f"Listening at {url} (Ctrl-C ends it).", "bold")
        if server.behaviour != Behaviour():
            self.say(f"As told, {server.behaviour}.", "yellow")
        if server.secrets:
            self.say(f"Secrets to verify with: {len(server.secrets)}.", "green")
            return
        port = url.rstrip("/").rpartition(":")[2]
        self.say("Nothing is verified: there is no --secret.", "yellow")
        self.say(
            FIRST_STEPS.format(kith=settings.PUBLIC_URL, url=url, port="" if port == "9000" else f"--port {port} ")
        )

    def show(self, delivery: Delivery) -> None:
        """Print a line about one delivery, and its body."""
        self.count(delivery)
        self.console.print(headline(delivery), soft_wrap=True)
        for name, value in delivery.headers.items() if self.verbose else ():
            self.say(f"  {printable(name)}: {printable(value)}", "dim")
        if delivery.event:
            self.console.print(JSON(printable(orjson.dumps(delivery.event).decode())), soft_wrap=True)
        else:
            self.say(f"No event: {printable(delivery.body[:SHOWN].decode(errors='replace'))}", "red")

    def count(self, delivery: Delivery) -> None:
        self.counts.update(["came", verdict(delivery), *(["duplicates"] if delivery.first_at else [])])

    def end(self) -> None:
        """Say how much came."""
        found = ", ".join(f"{self.counts[name]} {name}" for name in (*STYLES, "duplicates") if self.counts[name])
        self.say(f"Ended: {self.counts['came']} came{f' ({found})' if found else ''}.", "bold")

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)


class Lines(Printer):
    """Prints each delivery as one JSON object a line; words for people go to standard error."""

    def __init__(self, verbose: bool) -> None:
        super().__init__(verbose)
        self.console = Console(highlight=False, stderr=True)

    def show(self, delivery: Delivery) -> None:
        """Print one delivery."""
        self.count(delivery)
        line = {
            "at": delivery.at,
            "type": delivery.event.get("type"),
            "id": delivery.headers.get("webhook-id"),
            "attempt": delivery.headers.get("webhook-attempt"),
            "record": delivery.record or None,
            "verified": not delivery.fault,
            "fault": delivery.fault or None,
            "duplicate": delivery.first_at is not None,
            "answered": delivery.answered,
            "event": delivery.event or None,
            **({"headers": delivery.headers} if self.verbose else {}),
        }
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()


def headline(delivery: Delivery) -> Text:
    """Return time, type, id, attempt, record, and what is to be said of the delivery."""
    headers = delivery.headers
    line = Text(f"{local(delivery.at)}  ")
    line.append(printable(str(delivery.event.get("type", "?"))), "bold")
    line.append(
        f"  {printable(headers.get('webhook-id', 'no id'))}  attempt {printable(headers.get('webhook-attempt', '?'))}"
    )
    line.append(f"  {printable(delivery.record)}  " if delivery.record else "  ")
    line.append(verdict(delivery), STYLES[verdict(delivery)])
    if verdict(delivery) == WRONG:
        line.append(f": {delivery.fault}", "red")
    if delivery.first_at:
        line.append(f"  duplicate of {local(delivery.first_at)}", "yellow")
    if delivery.answered != 200:
        line.append(f"  answered {delivery.answered}", "yellow")
    return line


def verdict(delivery: Delivery) -> str:
    """Return one of the words in STYLES."""
    return {"": VERIFIED, UNCHECKED: UNKNOWN}.get(delivery.fault, WRONG)


def local(moment: datetime) -> str:
    """Return a time of this place."""
    return f"{moment.astimezone():%H:%M:%S}"


def printable(text: str) -> str:
    """Return a text that cannot steer the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def number(low: int, high: int) -> Callable[[str], int]:
    """Return the reader of a whole number within bounds."""

    def read(text: str) -> int:
        if not (text.isdecimal() and low <= int(text) <= high):
            raise ArgumentTypeError(f"{text!r} is no number from {low} to {high}")
        return int(text)

    return read


def secret(text: str) -> str:
    """Read one secret."""
    try:
        return check_secret(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def seconds(text: str) -> float:
    """Read a time of up to an hour."""
    try:
        found = float(text)
    except ValueError:
        found = -1
    if not 0 <= found <= 3600:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 3600")
    return found
