"""Code samples of an operation: the same request in curl, Python and JavaScript."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from crm.docs.batches import SAMPLE
from crm.docs.fields import Schema
from crm.rest.batch import REF
from crm.rest.contract import Contract
from crm.uploads import UploadField

__all__ = ["base_of", "samples"]

KEY_WORD = "YOUR_API_KEY"
# How a caller shows who it is, by kind of credential, and what a session sends with every write.
SHOWN = {
    "key": {"Authorization": f"Bearer {KEY_WORD}"},
    "session": {"Cookie": "sessionid=YOUR_SESSION; csrftoken=YOUR_TOKEN"},
}
FROM_OUR_PAGES = {"X-CSRFToken": "YOUR_TOKEN"}
INDENT, TAB = 2, "    "


@dataclass(frozen=True)
class Sample:
    """The request that every language writes down."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    # The fields of a form that are files, None where the body is JSON; whether the answer is a file.
    files: tuple[str, ...] | None = None
    saves: bool = False


def samples(operation: Any) -> list[Schema]:
    """Return the operation's samples, as documentation pages read them."""
    request = sample_of(operation)
    return [{"lang": lang, "label": label, "source": write(request)} for lang, label, write in LANGUAGES]


def sample_of(operation: Any) -> Sample:
    view, method = operation.view, operation.method
    path = operation.sample_path().rstrip("/")
    headers = dict(SHOWN["key" if "key" in view.credentials else "session"])
    if "Cookie" in headers and method != "GET":
        headers |= FROM_OUR_PAGES
    if view.contract.tenant_required:
        headers[view.contract.tenant_header] = "YOUR_ORGANIZATION"
    serializer, _, example = operation.body() if method in ("POST", "PUT", "PATCH") else (None, "", None)
    if method == "POST" and not view.warning:
        headers["Idempotency-Key"] = "4f9d2c1e-1001"
    body = example if serializer is not None else None
    base = base_of(view.contract)
    fields = dict(serializer.fields) if serializer is not None and operation.told("media") else {}
    files = tuple(name for name, field in fields.items() if isinstance(field, UploadField)) or None
    url = base + path + ("?limit=20" if operation.is_list or operation.told("entry") else "")
    url += f"?{view.contract.wire(REF)}={SAMPLE}" if view.action == "upsert" else ""
    return Sample(method, url, headers, body, files, bool(operation.told("sends")))


def base_of(contract: Contract) -> str:
    """Return the address of a contract's first mount, that of a tenant called acme where each has its own."""
    return f"{contract.address.format(slug='acme') or settings.PUBLIC_URL}/{contract.mounts[0].rstrip('/')}"


def curl(request: Sample) -> str:
    lines = [f"curl -X {request.method} '{request.url}'" if request.method != "GET" else f"curl '{request.url}'"]
    lines += [f"  -H '{name}: {text}'" for name, text in request.headers.items()]
    if request.files:
        lines += [f"  -F '{name}={'@' if name in request.files else ''}{text}'" for name, text in request.body.items()]
    elif request.body is not None:
        text = json.dumps(request.body, indent=INDENT, ensure_ascii=False).replace("'", "'\\''")
        lines += ["  -H 'Content-Type: application/json'", f"  -d '{text}'"]
    lines += ["  -OJ"] if request.saves else []
    return " \\\n".join(lines)


def python(request: Sample) -> str:
    parts = [literal(request.url), f"headers={literal(request.headers, TAB)}"]
    if request.files:
        opened = ", ".join(f'"{name}": open({literal(request.body[name])}, "rb")' for name in request.files)
        parts += [f"files={{{opened}}}", f"data={literal(plain_fields(request), TAB)}"]
    elif request.body is not None:
        parts.append(f"json={literal(request.body, TAB)}")
    lines = [
        "import requests",
        "",
        f"response = requests.{request.method.lower()}(",
        *(f"{TAB}{part}," for part in (*parts, "timeout=30")),
        ")",
        "response.raise_for_status()",
        'open("file", "wb").write(response.content)' if request.saves else 'print(response.json()["data"])',
    ]
    return "\n".join(lines)


def literal(value: Any, margin: str = "") -> str:
    """Return a JSON value as Python writes it, over several lines."""
    inner = margin + "    "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{literal(name)}: {literal(item, inner)}," for name, item in value.items()]
        return "\n".join(["{", *lines, margin + "}"])
    if isinstance(value, list) and value:
        return "\n".join(["[", *(f"{inner}{literal(item, inner)}," for item in value), margin + "]"])
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def plain_fields(request: Sample) -> dict[str, Any]:
    """Return the fields of a form that are texts."""
    return {name: text for name, text in request.body.items() if name not in (request.files or ())}


def javascript(request: Sample) -> str:
    headers, before = dict(request.headers), []
    if request.files:
        # The element of a page in which somebody has chosen a file.
        before = ["const form = new FormData();"]
        before += [f'form.append("{name}", input.files[0]);' for name in request.files]
        before += [f'form.append("{name}", {json.dumps(text)});' for name, text in plain_fields(request).items()]
    elif request.body is not None:
        headers["Content-Type"] = "application/json"
    options = [f'method: "{request.method}"', f"headers: {json.dumps(headers, indent=INDENT)}"]
    if request.files:
        options.append("body: form")
    elif request.body is not None:
        options.append(f"body: JSON.stringify({json.dumps(request.body, indent=INDENT, ensure_ascii=False)})")
    inside = ",\n  ".join(option.replace("\n", "\n  ") for option in options)
    return "\n".join(
        [
            *before,
            f"const response = await fetch({json.dumps(request.url)}, {{\n  {inside},\n}});",
            "if (!response.ok) throw new Error(await response.text());",
            "const file = await response.blob();" if request.saves else "const { data } = await response.json();",
        ]
    )


LANGUAGES: tuple[tuple[str, str, Callable[[Sample], str]], ...] = (
    ("bash", "curl", curl),
    ("python", "Python", python),
    ("javascript", "JavaScript", javascript),
)
