"""`manage.py up` starts everything, says when it is ready, and leaves nothing behind."""

import http.client
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.config.trial import Trial, free_port, is_free, manage


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    trial = Trial(tmp_path_factory.mktemp("up") / "var")
    trial.wait_ready()
    yield trial
    trial.process.kill()
    trial.process.wait()


def test_it_says_where_it_is_ready(running: Trial) -> None:
    assert f"\nready: http://127.0.0.1:{running.port}\n" in running.text
    assert f"\nadmin: http://127.0.0.1:{running.port}/admin/" in running.text


def test_it_names_the_process_on_every_line(running: Trial) -> None:
    lines = running.text.split("\nready: ")[0].splitlines()
    names = {line.partition("|")[0].strip() for line in lines}
    assert names == {"kith", "postgres", "redis", "worker", "beat"} | names & {"web"}


def test_it_serves_the_admin(running: Trial) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("GET", "/admin/login/", headers={"Host": f"localhost:{running.port}"})
    assert connection.getresponse().status == 200
    connection.close()


def test_it_keeps_passwords_out_of_command_lines_and_other_eyes(running: Trial) -> None:
    secrets = json.loads((running.home / "embedded.json").read_text())["passwords"].values()
    commands = " ".join(" ".join(child.cmdline()) for child in running.family())
    assert not [secret for secret in secrets if secret in commands or secret in running.text]
    assert (running.home / "embedded.json").stat().st_mode & 0o777 == 0o600


def test_it_refuses_a_second_start_on_the_same_folder(running: Trial) -> None:
    second = manage(running.home, "up", "--no-demo", "--port", str(free_port()))
    assert second.returncode == 2
    assert second.stderr == (
        f"Kith runs already on {running.home} (process {running.process.pid}): stop it, or set another KITH_HOME.\n"
    )


def test_other_commands_find_the_running_servers(running: Trial) -> None:
    listed = manage(running.home, "showmigrations", "--database", "owner", "auth")
    assert "[X] 0001_initial" in listed.stdout, listed.stderr


def test_it_stops_in_order_and_leaves_nothing_behind(running: Trial) -> None:
    family = running.family()
    started = time.monotonic()
    assert running.stop(signal.SIGINT) == 0
    assert time.monotonic() - started < 10
    assert not [process for process in family if process.is_running()]
    assert not {"up.lock", "running.json", "worker.ready", "beat.ready"} & {
        path.name for path in running.home.iterdir()
    }
    assert is_free(running.port)
    assert "shut down" in running.text


def test_it_stops_in_the_middle_of_a_migration(tmp_path: Path) -> None:
    trial = Trial(tmp_path / "var")
    trial.wait_for("Preparing the database")
    family = trial.family()
    assert trial.stop(signal.SIGTERM) == 0, trial.text
    assert "Traceback" not in trial.text
    assert not [process for process in family if process.is_running()]


def test_it_heals_after_a_kill(tmp_path: Path) -> None:
    first = Trial(tmp_path / "var")
    first.wait_ready()
    family = first.family()
    first.stop(signal.SIGKILL)
    second = Trial(tmp_path / "var")
    second.wait_ready()
    assert not [process for process in family if process.is_running()]
    check_revival(second)
    family = second.family()
    assert second.stop(signal.SIGTERM) == 0
    assert not [process for process in family if process.is_running()]


def check_revival(trial: Trial) -> None:
    """Kill one part after the other: each comes back, and without Redis every call is still answered."""
    trial.child("redis-server").kill()
    trial.wait_for("redis ended by SIGKILL; starting it again")
    assert readiness(trial) in ("degraded", "ready")
    for name, command in (("postgres", "bin/postgres"), ("web", "granian"), ("worker", "celery")):
        trial.child(command).kill()
        trial.wait_for(f"{name} ended by SIGKILL; starting it again")
        deadline = time.monotonic() + 20
        while readiness(trial) != "ready":
            assert time.monotonic() < deadline, trial.text
            time.sleep(0.1)


def readiness(trial: Trial) -> str:
    try:
        return str(requests.get(f"http://127.0.0.1:{trial.port}/readyz", timeout=5).json()["status"])
    except requests.RequestException:
        return "nobody answers"


@pytest.mark.deep
def test_it_stops_when_a_part_keeps_dying(tmp_path: Path) -> None:
    trial = Trial(tmp_path / "var")
    trial.wait_ready()
    family = trial.family()
    for fall in range(1, 7):
        trial.child("redis-server").kill()
        deadline = time.monotonic() + 20
        while trial.text.count("redis ended by SIGKILL") < fall:
            assert time.monotonic() < deadline, trial.text
            time.sleep(0.05)
        if fall < 6:
            wait_for_child(trial, "redis-server")
    assert trial.process.wait(15) == 1
    assert "again and again, so Kith stops" in trial.text
    psutil.wait_procs(family, timeout=0.1)
    assert not [process for process in family if process.is_running()]


def wait_for_child(trial: Trial, name: str) -> None:
    deadline = time.monotonic() + 20
    while not any(
        name in " ".join(child.cmdline()) for child in trial.family() if child.status() != psutil.STATUS_ZOMBIE
    ):
        assert time.monotonic() < deadline, trial.text
        time.sleep(0.05)


@pytest.mark.deep
def test_it_starts_on_servers_of_somebody_else(tmp_path: Path) -> None:
    home = tmp_path / "var"
    servers = Trial(home)
    servers.wait_ready()
    state = json.loads((home / "embedded.json").read_text())
    owner = f"postgresql://kith_super:{state['passwords']['kith_super']}@127.0.0.1:{state['ports']['postgres']}"
    created = manage(
        home,
        "shell",
        "-c",
        f"import psycopg; psycopg.connect('{owner}/postgres', autocommit=True).execute('CREATE DATABASE other')",
    )
    assert created.returncode == 0, created.stderr
    guest = Trial(tmp_path / "guest", DATABASE_URL=f"{owner}/other", REDIS_URL=state["urls"]["REDIS_URL"][:-1] + "5")
    guest.wait_ready()
    assert not [name for name in ("postgres |", "redis    |") if name in guest.text]
    assert guest.stop(signal.SIGTERM) == 0
    assert servers.stop(signal.SIGTERM) == 0
