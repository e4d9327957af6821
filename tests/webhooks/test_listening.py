"""`manage.py listen`: it answers, verifies and tells, plays a bad receiver, and needs no database."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from standardwebhooks import Webhook

from config.env import BASE
from tests.config.trial import clean_environ, free_port
from tests.webhooks.deliveries import BAD_SECRET, BODY, CASES, FOREIGN, OLD, SECRET
from tests.webhooks.test_receiving import post
from webhooks.listening import UNCHECKED, Behaviour, check_secret, find_fault


def genuine(secret: str = SECRET, event: str = "evt_01", body: bytes = BODY) -> dict[str, str]:
    """Return the headers of a delivery signed now."""
    now = datetime.now(UTC)
    signature = Webhook(secret).sign(event, now, body.decode())
    headers = {"webhook-id": event, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    return {**headers, "webhook-attempt": "2", "content-type": "application/json"}


def test_it_verifies_as_the_guide_does() -> None:
    for name, case, expected in CASES:
        secrets = [text if text.startswith("wh") else f"whsec_{text}" for text in case["secrets"]]
        if expected != BAD_SECRET:  # those are refused at the start
            fault = find_fault(secrets, case["headers"], b64decode(case["body"]), case["now"])
            assert (fault == "") == (expected == "ok"), (name, fault)
    assert find_fault([], genuine(), BODY, time.time()) == UNCHECKED


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_AAAA", "whsec_" + "é" * 40, "whpk_" + "A" * 40, SECRET[6:], "sk_x"]
)
def test_it_takes_no_secret_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="whole, as Kith shows it"):
        check_secret(text)


def test_a_bad_receiver_fails_as_told() -> None:
    assert [Behaviour().answer_to(n) for n in (1, 2)] == [200, 200]
    assert [Behaviour(status=410).answer_to(n) for n in (1, 2)] == [410, 410]
    assert [Behaviour(fail_every=3).answer_to(n) for n in range(1, 7)] == [200, 200, 500, 200, 200, 500]
    assert [Behaviour(status=429, fail_every=2).answer_to(n) for n in (1, 2)] == [200, 429]


class Listener:
    """One `manage.py listen` without any server of Kith."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.port = free_port()
        self.output = home / "output"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                (sys.executable, "manage.py", "listen", "--port", str(self.port), *arguments),
                cwd=BASE, env=clean_environ(home), stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + 30
        while words not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.02)

    def post(self, headers: dict[str, str], body: bytes = BODY) -> int:
        return post(self.port, body, headers)

    def lines(self, count: int) -> list[dict[str, Any]]:
        """Return what `--plain` has printed, once so many came."""
        deadline = time.monotonic() + 30
        while True:
            found = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.02)


@contextmanager
def listening(home: Path, *arguments: str, ending: signal.Signals = signal.SIGTERM) -> Iterator[Listener]:
    """Run `manage.py listen`, and see that it ends well."""
    listener = Listener(home, *arguments)
    try:
        listener.wait_for("Listening at")
        yield listener
        listener.process.send_signal(ending)
        assert listener.process.wait(30) == 0, listener.text
    finally:
        listener.process.kill()
        listener.process.wait()


def test_it_prints_each_delivery_for_programs(tmp_path: Path) -> None:
    with listening(tmp_path, "--plain", "--secret", SECRET, "--secret", OLD) as listener:
        statuses: list[int] = []
        lines: list[Any] = []
        for delivery in (
            (genuine(),), (genuine(),), (genuine(OLD, "evt_02"),), (genuine(FOREIGN, "evt_03"),),
            (genuine(event="evt_03"),), (genuine(event="evt_04"), BODY + b" "), ({}, b"hello"),
        ):  # fmt: skip
            statuses.append(listener.post(*delivery))
            # It is answered first and printed then.
            lines = listener.lines(len(statuses))
    assert statuses == [200] * 7
    assert [(line["id"], line["verified"], line["duplicate"]) for line in lines] == [
        ("evt_01", True, False), ("evt_01", True, True), ("evt_02", True, False), ("evt_03", False, False),
        ("evt_03", True, False), ("evt_04", False, False), (None, False, False),
    ]  # fmt: skip
    assert lines[0]["event"] == json.loads(BODY)
    assert [lines[0][name] for name in ("type", "attempt", "fault", "answered")] == ["client.updated", "2", None, 200]
    assert (
        lines[3]["fault"] == lines[5]["fault"] == "no signature fits: another secret made it, or the body was changed"
    )
    assert lines[6]["fault"] == "no header webhook-id"
    assert "Ended: 7 came (4 verified, 3 wrong, 1 duplicates)." in listener.text


def test_it_prints_each_delivery_for_people(tmp_path: Path) -> None:
    body = json.dumps({"type": "a\x1b[31m", "data": {"id": "cli_1", "name": "Zoë\x9b31m"}}, ensure_ascii=False).encode()
    with listening(tmp_path, "--secret", SECRET, "--verbose", ending=signal.SIGINT) as listener:
        listener.post(genuine())
        listener.post({**genuine(FOREIGN, "evt_02", body), "webhook-attempt": "1\x1b[2J"}, body)
        listener.wait_for("wrong")
    text = listener.text
    assert "client.updated  evt_01  attempt 2  verified" in text
    assert '"name": "Zoë 🔧"' in text
    assert "  webhook-signature: v1," in text
    assert "evt_02  attempt 1\N{REPLACEMENT CHARACTER}[2J  cli_1  wrong: no signature fits" in text
    assert "\x1b" not in text and "\x9b" not in text
    assert "Ended: 2 came (1 verified, 1 wrong)." in text


def test_it_says_that_nothing_is_verified_and_how_it_can_be(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        listener.post(genuine())
        listener.wait_for("not verified")
        with socket.create_connection(("127.0.0.1", listener.port)) as other:
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"405" in other.recv(100)
    text = listener.text
    assert "Nothing is verified: there is no --secret." in text
    assert "WEBHOOK_ALLOWED_NETS=127.0.0.1/32 make run" in text
    assert f"""-d '{{"url": "http://127.0.0.1:{listener.port}/", "events": ["*"]}}'""" in text
    assert f"manage.py listen --port {listener.port} --secret whsec_..." in text


def test_it_answers_late_and_badly(tmp_path: Path) -> None:
    with listening(tmp_path, "--plain", "--status", "503", "--delay", "0.5", "--fail-every", "2") as listener:
        began = time.monotonic()
        statuses = [
            listener.post(genuine()),
            listener.post(genuine(event="evt_02")),
            listener.post(genuine(event="evt_02")),
        ]
        assert statuses == [200, 503, 200]
        assert 1.5 <= time.monotonic() - began < 60
        # What was answered with a failure has to come again: that is no duplicate.
        assert [line["duplicate"] for line in listener.lines(3)] == [False, False, False]
    assert "one delivery in 2 is answered 503; every answer comes after 0.5 s" in listener.text


def test_it_ends_while_an_answer_is_held_back(tmp_path: Path) -> None:
    with (
        listening(tmp_path, "--delay", "60") as listener,
        closing(HTTPConnection("127.0.0.1", listener.port)) as waiting,
    ):
        waiting.request("POST", "/", BODY)
        with pytest.raises(ConnectionRefusedError):  # it listens on this machine alone
            socket.create_connection(("127.0.0.2", listener.port))


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--secret", "whsec_short"], "a secret is whsec_… or a public key whpk_…, whole, as Kith shows it"),
    (["--port", "70000"], "'70000' is no number from 0 to 65535"), (["--port", "-1"], "no number from 0"),
    (["--status", "99"], "no number from 200 to 599"), (["--status", "²"], "no number from 200 to 599"),
    (["--delay", "nan"], "no number of seconds from 0 to 3600"), (["--fail-every", "0"], "no number from 1"),
    (["--host", "192.0.2.1"], "Cannot listen at 192.0.2.1:9000"),
    (["--host", "no.such.host.invalid"], "Cannot listen at no.such.host.invalid:9000"),
])  # fmt: skip
def test_a_wrong_option_is_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=re.escape(sentence)) as caught:
        call_command("listen", *arguments)
    assert "\n" not in str(caught.value)


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError) as caught:
            call_command("listen", "--port", str(port))
    assert str(caught.value) == f"Cannot listen at 127.0.0.1:{port} (Address already in use): choose another --port."
    assert caught.value.returncode == 2
