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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config.env import BASE
from tests.config.trial import free_port
from tests.webhooks.deliveries import BAD_SECRET, BODY, CASES, FOREIGN, OLD, SECRET, signature

GUIDE = BASE / "docs" / "receiving.md"
SNIPPETS = BASE / "docs" / "receiving"
HERE = Path(__file__).parent / "languages"


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


def test_the_guide_shows_the_files_that_are_tested() -> None:
    blocks = re.findall(r"^```\w+\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    shown = {file for language in LANGUAGES.values() for file in language.shown} | {"take.py", "catch_up.py"}
    files = {path.name: path.read_text(encoding="utf-8") for path in SNIPPETS.iterdir() if path.is_file()}
    assert set(files) == {"__init__.py", *shown}
    assert [file for file in shown if files[file] not in blocks] == [], f"{GUIDE} must show them as they are."
    code = {block for block in blocks if not block.startswith(("$ curl", "POST /webhooks"))}
    assert code <= set(files.values()), f"{GUIDE} shows code that no test runs."
