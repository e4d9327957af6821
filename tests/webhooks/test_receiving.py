"""The guide docs/receiving.md: its snippets are files that run, and they let in what is genuine, and nothing else."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from config.env import BASE
from tests.config.trial import free_port

GUIDE = BASE / "docs" / "receiving.md"
SNIPPETS = BASE / "docs" / "receiving"
HERE = Path(__file__).parent / "languages"
NOW = 1_800_000_000
BODY = '{"id": "evt_01", "type": "client.updated", "data": {"name": "Zoë 🔧"}}'.encode()
SECRET, OLD, FOREIGN = (f"whsec_{b64encode(bytes([number]) * 32).decode()}" for number in (1, 2, 3))
PAIR, OTHER_PAIR = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (4, 5))
WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in str(NOW))  # digits, but none of ASCII
TIME, HEADER, NONE_FITS, BAD_SECRET = (
    "the timestamp is not about now",
    "a header is missing",
    "no signature fits",
    "cut off",
)


def signature(secret: str = SECRET, *, body: bytes = BODY, event: str = "evt_01", sent: int = NOW) -> str:
    """Sign as the library of Standard Webhooks does."""
    return Webhook(secret).sign(event, datetime.fromtimestamp(sent, UTC), body.decode())


def signature_v1a(pair: Ed25519PrivateKey = PAIR, *, body: bytes = BODY, event: str = "evt_01", sent: int = NOW) -> str:
    return f"v1a,{b64encode(pair.sign(f'{event}.{sent}.'.encode() + body)).decode()}"


def public(pair: Ed25519PrivateKey) -> str:
    return f"whpk_{b64encode(pair.public_key().public_bytes_raw()).decode()}"


def case(
    name: str, expected: str, *, sign: Callable[..., str] = signature, **changed: Any
) -> tuple[str, dict[str, Any], str]:
    """Describe one request: signed rightly, but for what is `changed`."""
    sent = changed.get("sent", NOW)
    headers = {"webhook-id": "evt_01", "webhook-timestamp": str(sent), "webhook-signature": sign(sent=sent)}
    headers = {name: text for name, text in {**headers, **changed.get("headers", {})}.items() if text is not None}
    asymmetric = sign is signature_v1a
    secrets = changed.get("secrets", [public(PAIR)] if asymmetric else [SECRET])
    body = b64encode(changed.get("body", BODY)).decode()
    return name, {"asymmetric": asymmetric, "secrets": secrets, "headers": headers, "body": body, "now": NOW}, expected


def bare(header: str) -> str:
    """Return a signature without its version."""
    return header.partition(",")[2]


def signed(text: str) -> dict[str, Any]:
    return {"headers": {"webhook-signature": text}}


def timed(text: str) -> dict[str, Any]:
    return {"headers": {"webhook-timestamp": text}}


GOOD, GOOD_V1A = signature(), signature_v1a()
# What both ways of signing must tell apart.
COMMON = [
    entry
    for sign, good, foreign, secrets in (
        (signature, GOOD, signature(FOREIGN), [FOREIGN, SECRET]),
        (signature_v1a, GOOD_V1A, signature_v1a(OTHER_PAIR), [public(OTHER_PAIR), public(PAIR)]),
    )
    for entry in (
        case("genuine", "ok", sign=sign),
        case("299 seconds old", "ok", sign=sign, sent=NOW - 299),
        case("300 seconds old", "ok", sign=sign, sent=NOW - 300),
        case("301 seconds old", TIME, sign=sign, sent=NOW - 301),
        case("299 seconds ahead", "ok", sign=sign, sent=NOW + 299),
        case("301 seconds ahead", TIME, sign=sign, sent=NOW + 301),
        case("a changed body", NONE_FITS, sign=sign, body=BODY.replace(b"01", b"02")),
        case("a body with a blank more", NONE_FITS, sign=sign, body=BODY + b" "),
        case("a body written anew", NONE_FITS, sign=sign, body=json.dumps(json.loads(BODY)).encode()),
        case("no body", NONE_FITS, sign=sign, body=b""),
        case("a body that is no text", NONE_FITS, sign=sign, body=b"\xff\x00\xfe"),
        case("another id", NONE_FITS, sign=sign, headers={"webhook-id": "evt_02"}),
        case("another time, still about now", NONE_FITS, sign=sign, **timed(str(NOW + 1))),
        case("signed by another", NONE_FITS, sign=sign, **signed(foreign)),
        case("two signatures, ours last", "ok", sign=sign, **signed(f"{foreign} {good}")),
        case("two signatures, ours first", "ok", sign=sign, **signed(f"{good} {foreign}")),
        case("garbage beside ours", "ok", sign=sign, **signed(f"v9,= v1 v1, v1a, , {good}")),
        case("two secrets, ours last", "ok", sign=sign, secrets=secrets),
        case("no secret", NONE_FITS, sign=sign, secrets=[]),
        case("no id", HEADER, sign=sign, headers={"webhook-id": None}),
        case("an empty id", HEADER, sign=sign, headers={"webhook-id": ""}),
        case("no time", HEADER, sign=sign, headers={"webhook-timestamp": None}),
        case("no signature", HEADER, sign=sign, headers={"webhook-signature": None}),
        case("an empty signature", HEADER, sign=sign, **signed("")),
        *(
            case(f"the signature {text[:30]!r}", NONE_FITS, sign=sign, **signed(text))
            for text in (
                " ", "garbage", "v1", "v1,", "v1a,", "v1,!!!!", "v1a,!!!!", "v1,é", "v1a,é", "v2," + bare(good), bare(good),
                good[:-4], good.upper(), good.replace(",", ", "), "v1," + "A" * 9000, "v1a," + "A" * 86 + "==",
                "v1a," + "A" * 43 + "=", " ".join(["v1,AAAA"] * 500),
            )
        ),
        *(
            case(f"the time {text!r}", TIME, sign=sign, **timed(text))
            for text in (
                "abc", "0", "-1", f"-{NOW}", f"+{NOW}", f" {NOW}", f"{NOW} ", f"{NOW}\n", f"{NOW}.0", f"{NOW}e0", "NaN",
                f"{NOW}000", "9" * 40, hex(NOW), f"{NOW:_}", WIDE,
            )
        ),
    )
]  # fmt: skip
CASES = [
    *COMMON,
    case("a rotation, the sender still on the old secret", "ok", secrets=[SECRET, OLD], **signed(signature(OLD))),
    case("a rotation, signed with both", "ok", secrets=[OLD], **signed(f"{GOOD} {signature(OLD)}")),
    case("a secret without its beginning", "ok", secrets=[SECRET.removeprefix("whsec_")]),
    case("an empty secret, and a signature made with it", BAD_SECRET, secrets=["whsec_"]),
    case("a secret that is cut off", BAD_SECRET, secrets=["whsec_AAAA"]),
    case("a signature of the other kind", NONE_FITS, **signed(GOOD_V1A)),
    case("a letter more", NONE_FITS, **signed(GOOD + "A")),
    case("one of each kind", "ok", **signed(f"{GOOD_V1A} {GOOD}")),
    case("v1a: a signature of the other kind", NONE_FITS, sign=signature_v1a, **signed(GOOD)),
    case("v1a: one of each kind", "ok", sign=signature_v1a, **signed(f"{GOOD} {GOOD_V1A}")),
    case("v1a: our signature called v1", NONE_FITS, sign=signature_v1a, **signed(GOOD_V1A.replace("v1a", "v1"))),
]


@dataclass(frozen=True)
class Language:
    """What the guide shows in one language, and how to run it; the words in braces are filled in."""

    runtime: str
    shown: tuple[str, ...]
    judge: str
    receiver: str
    environ: tuple[tuple[str, str], ...] = ()


LANGUAGES = {
    "Python": Language(
        sys.executable,
        ("verify.py", "receiver.py", "verify_v1a.py"),
        f"{sys.executable} {{here}}/cases.py",
        f"{sys.executable} receiver.py",
        (("PYTHONPATH", str(SNIPPETS)),),
    ),
    "JavaScript": Language(
        "node",
        ("verify.js", "receiver.js", "verify_v1a.js"),
        "node {here}/cases.js",
        "node receiver.js",
        (("NODE_PATH", str(SNIPPETS)),),
    ),
    "Go": Language("go", ("verify.go", "receiver.go", "verify_v1a.go"), "{built}/cases", "{built}/receiver"),
    "Ruby": Language(
        "ruby",
        ("verify.rb", "config.ru", "verify_v1a.rb"),
        "ruby {here}/cases.rb",
        "ruby {here}/rack.rb {guide}/config.ru",
        (("RUBYLIB", str(SNIPPETS)),),
    ),
    "PHP": Language(
        "php",
        ("verify.php", "receiver.php", "verify_v1a.php"),
        "php {here}/cases.php",
        "php -S 127.0.0.1:{port} receiver.php",
        (("GUIDE", str(SNIPPETS)),),
    ),
}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    """Return each language whose runtime is here."""
    found = LANGUAGES[request.param]
    if not shutil.which(found.runtime):
        pytest.skip(f"{request.param} cannot run here: there is no program {found.runtime!r}.")
    return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the two programs of Go."""
    folder = tmp_path_factory.mktemp("go")
    for path in (*SNIPPETS.glob("*.go"), HERE / "cases.go"):
        shutil.copy(path, folder)
    for files in (("cases.go", "verify.go", "verify_v1a.go"), ("receiver.go", "verify.go")):
        subprocess.run(["go", "build", *files], cwd=folder, check=True, timeout=300)
    return folder


@pytest.fixture
def command(language: Language, request: pytest.FixtureRequest) -> Callable[..., list[str]]:
    """Return the function that fills in a command line of the language."""
    built = request.getfixturevalue("built") if language.runtime == "go" else ""
    return lambda line, port=0: line.format(here=HERE, guide=SNIPPETS, built=built, port=port).split()


def test_verify_tells_genuine_from_wrong(language: Language, command: Callable[..., list[str]]) -> None:
    done = subprocess.run(
        command(language.judge),
        input=json.dumps([entry for _, entry, _ in CASES]).encode(),
        env={**os.environ, **dict(language.environ)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert len(found) == len(CASES)
    wrong = [
        (name, reason, expected)
        for (name, _, expected), reason in zip(CASES, found, strict=True)
        if reason != expected and not (expected == BAD_SECRET and BAD_SECRET in reason)
    ]
    assert wrong == []


def test_a_receiver_lets_in_what_is_genuine_once(
    language: Language, command: Callable[..., list[str]], tmp_path: Path
) -> None:
    genuine = {"webhook-id": "evt_01", "webhook-timestamp": str(now := int(time.time()))}
    genuine["webhook-signature"] = signature(OLD, sent=now)
    with running(language, command, tmp_path) as (port, output):
        statuses = [
            post(port, BODY, genuine),
            post(port, BODY, genuine),
            post(port, BODY + b" ", genuine),
            post(port, BODY, {**genuine, "webhook-signature": signature(FOREIGN, sent=now)}),
            post(port, BODY, {**genuine, "webhook-timestamp": str(now - 400)}),
            post(port, BODY, {}),
        ]
    assert statuses == [200, 200, 401, 401, 401, 401]
    assert output.read_text().count("client.updated evt_01") == 1


@contextmanager
def running(language: Language, command: Callable[..., list[str]], folder: Path) -> Iterator[tuple[int, Path]]:
    """Run the receiver of a language, and give its port and what it prints."""
    port, output = free_port(), folder / "output"
    environ = {"PORT": str(port), "WEBHOOK_SECRET": f"{SECRET} {OLD}", "TMPDIR": str(folder)}
    with (
        output.open("w") as file,
        subprocess.Popen(
            command(language.receiver, port), cwd=SNIPPETS, env={**os.environ, **environ}, stdout=file, stderr=file
        ) as process,
    ):
        try:
            wait_for(port, process)
            yield port, output
        finally:
            process.kill()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise AssertionError("The receiver did not start.")


def post(port: int, body: bytes, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/", body, {**headers, "content-type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_guide_shows_the_files_that_are_tested(name: str) -> None:
    blocks = re.findall(r"^```\w+\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for file in LANGUAGES[name].shown:
        assert (SNIPPETS / file).read_text(encoding="utf-8") in blocks, f"{GUIDE} must show {file} as it is."


def test_every_file_belongs_to_a_language() -> None:
    shown = {file for language in LANGUAGES.values() for file in language.shown}
    assert {path.name for path in SNIPPETS.iterdir() if path.is_file()} == {"__init__.py", "catch_up.py", *shown}
