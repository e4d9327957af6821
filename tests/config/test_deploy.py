"""The examples of docs/deploy: each fits its schema, names settings and commands that exist, and agrees with itself."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.urls import resolve

from config import env
from config.env import BASE, SETTINGS
from config.management.commands.start import ROLES

DEPLOY = BASE / "docs" / "deploy"
COMPOSE = DEPLOY / "docker-compose.yml"
# The oldest Kubernetes that is looked after, and the newest known here.
KUBERNETES = ("1.32", "1.36")
KITH = ("migrate", "web", "worker", "beat")
KINDS = {setting.name: setting for setting in SETTINGS}


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text("utf-8")))


def documents() -> list[dict[str, Any]]:
    """Return everything that the Kubernetes example makes."""
    paths = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [document for path in paths for document in yaml.safe_load_all(path.read_text("utf-8"))]


def pods() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each workload and its pod's template."""
    for document in documents():
        if "template" in document.get("spec", {}):
            yield document, document["spec"]["template"]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [document for document in documents() if document["kind"] == kind]


def dockerfile(word: str) -> list[str]:
    """Return what follows a word of the Dockerfile, lines put together."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [" ".join(line.split()[1:]) for line in text.splitlines() if line.split()[:1] == [word]]


def image_settings() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in dockerfile("ENV") for pair in line.split())


def test_the_compose_file_fits_its_schema() -> None:
    parsed = PyCompose.from_json(json.dumps(compose()))
    parsed.validate()
    assert set(parsed.service_names()) == {*KITH, "postgres", "redis"}


def test_its_schema_check_finds_a_mistake() -> None:
    with pytest.raises(ValueError, match="missing field `condition`"):
        PyCompose.from_yaml("services: {web: {image: kith, depends_on: {db: {conditions: service_healthy}}}}")


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_kubernetes_files_fit_their_schema(version: str) -> None:
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


def test_their_schema_check_finds_a_mistake() -> None:
    wrong = of_kind("PodDisruptionBudget")[0]
    wrong["spec"]["minAvailible"] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match="minAvailible"):
        kubernetes_validate.validate(wrong, KUBERNETES[-1], strict=True)


def test_they_set_what_is_a_setting() -> None:
    services = compose()["services"]
    named = {name for service in KITH for name in services[service]["environment"]}
    named |= {name for kind, part in (("ConfigMap", "data"), ("Secret", "stringData"))
              for document in of_kind(kind) for name in document[part]}  # fmt: skip
    named |= image_settings().keys()
    assert named - KINDS.keys() == set()
    in_the_open = {name for document in of_kind("ConfigMap") for name in document["data"]} | image_settings().keys()
    assert [name for name in in_the_open if KINDS[name].secret] == []


def test_they_set_values_that_kith_takes(tmp_path: Path) -> None:
    [told] = [document["data"] for document in of_kind("ConfigMap")]
    found = env.read({**image_settings(), **told, "KITH_HOME": str(tmp_path)})
    assert (found.text("HOST"), found.text("S3_BUCKET")) == ("0.0.0.0", "kith-files")


def test_kith_does_not_start_with_an_example_of_a_secret() -> None:
    [kith, _] = [document["stringData"] for document in of_kind("Secret")]
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS is not understood"):
        env.read(kith)


def test_the_compose_file_asks_for_what_env_example_lists() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?\}", COMPOSE.read_text("utf-8")))
    listed = set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text("utf-8"), re.MULTILINE))
    assert asked == listed
    assert not re.search(r"\$\{\w+\}|\$\w", COMPOSE.read_text("utf-8"))


def test_they_run_commands_that_exist() -> None:
    services = compose()["services"]
    commands = [services[name]["command"] for name in KITH]
    commands += [container["args"] for _, pod in pods() for container in pod["spec"]["containers"]]
    assert sorted(map(tuple, commands)) == sorted(2 * [("prepare",), *(("start", role) for role in ROLES)])
    assert {"prepare", "start"} <= get_commands().keys()
    assert dockerfile("ENTRYPOINT") == ['["python", "manage.py"]']


def test_the_image_copies_what_there_is() -> None:
    kept = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
    rooms = {path.parent.name for path in BASE.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert {*rooms, "manage.py", "requirements.txt"} <= set(kept)
    assert [name for name in kept if not (BASE / name).exists()] == []


def test_the_parts_of_the_kubernetes_files_find_one_another() -> None:
    named = {(document["kind"], document["metadata"]["name"]) for document in documents()}
    labels = {tuple(sorted(pod["metadata"]["labels"].items())) for _, pod in pods()}
    for document in documents():
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "kith"
        chosen = document.get("spec", {}).get("selector") or {}
        if chosen := chosen.get("matchLabels", chosen):
            assert tuple(sorted(chosen.items())) in labels
    for workload, pod in pods():
        for container in pod["spec"]["containers"]:
            sources = {("ConfigMap" if "configMapRef" in one else "Secret", *[ref["name"] for ref in one.values()])
                       for one in container["envFrom"]}  # fmt: skip
            assert sources <= named
            assert (("Secret", "kith-owner") in sources) == (container["name"] in ("migrate", "worker"))
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert mounts["home"] == image_settings()["KITH_HOME"]
            assert mounts.keys() == {volume["name"] for volume in pod["spec"]["volumes"]}
        if "selector" in workload["spec"]:
            assert workload["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    [scaler] = of_kind("HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) in named
    images = {container["image"] for _, pod in pods() for container in pod["spec"]["containers"]}
    assert len(images) == 1


def test_they_ask_the_port_that_kith_listens_on() -> None:
    [web] = [pod["spec"]["containers"][0] for workload, pod in pods() if workload["metadata"]["name"] == "kith-web"]
    [port], [told] = web["ports"], of_kind("ConfigMap")
    listens = image_settings()["PORT"]
    assert str(port["containerPort"]) == told["data"]["PORT"] == listens == dockerfile("EXPOSE")[0]
    [service] = of_kind("Service")
    assert [one["targetPort"] for one in service["spec"]["ports"]] == [port["name"]]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = web[probe]["httpGet"]
        assert asked["port"] == port["name"]
        assert asked["httpHeaders"] == [{"name": "Host", "value": "localhost"}]
        assert resolve(asked["path"]).url_name is None
    here = compose()["services"]["web"]
    assert here["ports"] == [f"{listens}:{listens}"]
    assert f"http://localhost:{listens}/readyz" in here["healthcheck"]["test"][-1]
