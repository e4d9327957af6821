"""The compose file's processes, started by its own commands with its own settings, make one Kith together."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import yaml

from config.embedded import Embedded
from config.embedded.state import SUPERUSER
from config.env import BASE
from config.secret import new_key
from tests.config.trial import clean_environ, free_port
from tests.faults.harness import wait_for
from tests.webhooks.receiving import receiver

pytestmark = pytest.mark.deep
DEPLOY = BASE / "docs" / "deploy"
PATIENCE = 90
LOGINS = ("kith_web", "kith_staff", "kith_owner", "kith_app", "kith_admin")


class Stack:
    """What the compose file starts, on this machine; the two servers are those of the tests."""

    def __init__(self, servers: Embedded, folder: Path) -> None:
        self.servers, self.home, self.code, self.port = servers, folder / "home", folder / "kith", free_port()
        self.services = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text("utf-8"))["services"]
        self.secrets = {name: f"pw{number}" for number, name in enumerate(self.asked())}
        self.secrets |= {"REDIS_PASSWORD": servers.state.password("redis"), "ENCRYPTION_KEYS": new_key()}
        self.secrets |= {"PUBLIC_URL": f"http://localhost:{self.port}"}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def copy(self) -> None:
        """Lay out what goes into the image, and nothing else."""
        self.code.mkdir()
        kept = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
        for path in (BASE / name for name in kept):
            put: Any = shutil.copytree if path.is_dir() else shutil.copy
            put(path, self.code / path.name)

    def asked(self) -> set[str]:
        return set(re.findall(r"\$\{(\w+):\?\}", json.dumps(self.services)))

    def filled(self, text: str) -> str:
        """Return a value of the file as compose passes it on, with the servers where they are here."""
        for name, port in self.servers.state.ports.items():
            text = re.sub(rf"@{name}:\d+", f"@127.0.0.1:{port}", text)
        return re.sub(r"\$\{(\w+):\?\}", lambda found: self.secrets[found[1]], text)

    def environ(self, service: str) -> dict[str, str]:
        told = self.services.get(service, self.services["worker"])["environment"]
        named = {name: self.filled(value) for name, value in told.items()}
        named |= {"PORT": str(self.port), "WEBHOOK_ALLOWED_NETS": "127.0.0.0/8", "PGAPPNAME": service}
        return clean_environ(self.home, named)

    def start(self, service: str, *command: str) -> subprocess.Popen[bytes]:
        words = (sys.executable, "manage.py", *(command or self.services[service]["command"]))
        process = subprocess.Popen(
            words, cwd=self.code, env=self.environ(service), stdout=subprocess.PIPE, start_new_session=True
        )
        self.running[service] = process
        return process

    def run(self, service: str, *command: str) -> str:
        """Run a command to its end, and return what it printed."""
        process = self.start(service, *command)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        del self.running[service]
        return out.decode()

    def answers(self) -> bool:
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/readyz", headers={"Host": "localhost"}, timeout=5)
        except requests.ConnectionError:
            return False
        return bool(answer.json()["status"] == "ready")

    def rows(self, sql: str) -> list[Any]:
        with psycopg.connect(self.servers.state.database_url(SUPERUSER), autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def make_roles(self) -> None:
        """Leave the server as a new one is, then do to it what the compose file has psql do."""
        state = self.servers.state
        with psycopg.connect(state.database_url(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE kith")
            for login in LOGINS:
                connection.execute(f"DROP ROLE {login}")
            connection.execute("CREATE DATABASE kith")
        sql = (DEPLOY / "roles.sql").read_text("utf-8")
        told = dict(re.findall(r"^\\getenv (\w+) (\w+)$", sql, re.MULTILINE))
        assert set(told.values()) <= self.services["postgres"]["environment"].keys()
        sql = re.sub(r"^\\.*$", "", sql, flags=re.MULTILINE)
        self.execute(re.sub(r":'(\w+)'", lambda found: f"'{self.secrets[told[found[1]]]}'", sql))

    def execute(self, sql: Any) -> None:
        with psycopg.connect(self.servers.state.database_url(SUPERUSER), autocommit=True) as connection:
            connection.execute(sql)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    tmp_path.chmod(0o755)
    with Embedded(tmp_path / "servers", fast=True) as servers:
        found = Stack(servers, tmp_path)
        found.copy()
        yield found
        for process in found.running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def test_its_processes_work_together(stack: Stack, tally: dict[str, str]) -> None:
    stack.make_roles()
    stack.run("migrate")
    for role in ("web", "worker", "beat"):
        stack.start(role)
    wait_for(stack.answers, PATIENCE)
    wait_for(lambda: all((stack.home / f"{role}.ready").exists() for role in ("worker", "beat")), PATIENCE)

    key = json.loads(stack.run("provision", "provision", "acme", "--json"))["live_key"]
    caller = requests.Session()
    caller.headers["Authorization"] = f"Bearer {key}"
    base = f"http://127.0.0.1:{stack.port}/v1"
    with receiver() as there:
        hook = caller.post(f"{base}/webhooks", json={"url": there.url, "events": ["client.created"]}, timeout=20)
        made = caller.post(f"{base}/clients", json={"name": "Ann"}, timeout=20)
        assert (hook.status_code, made.status_code) == (201, 201), (hook.text, made.text)
        wait_for(lambda: bool(there.got))
    assert there.got[0].data["data"]["id"] == made.json()["data"]["id"]

    # The arithmetic of docs/scaling.md: who keeps connections, and under which login.
    wait_for(lambda: ("worker", "kith_owner") not in connections_of(stack))
    kept = connections_of(stack)
    tally["connections"] = ", ".join(f"{name} as {login}: {count}" for (name, login), count in sorted(kept.items()))
    assert kept.keys() <= {("web", "kith_web"), ("worker", "kith_web"), ("worker", "kith_staff")}
    assert kept["web", "kith_web"] <= int(stack.services["web"]["environment"]["WEB_WORKERS"])
    assert all(kept.get(("worker", login), 0) <= 2 for login in ("kith_web", "kith_staff"))

    for role in ("beat", "worker", "web"):
        process = stack.running[role]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode in (0, -signal.SIGTERM), role


def connections_of(stack: Stack) -> dict[tuple[str, str], int]:
    """Return how many connections each process keeps, by service and login."""
    sql = """SELECT application_name, usename, count(*)::int FROM pg_stat_activity
             WHERE datname = 'kith' AND application_name IN ('web', 'worker', 'beat') GROUP BY 1, 2"""
    return {(name, login): count for name, login, count in stack.rows(sql)}
