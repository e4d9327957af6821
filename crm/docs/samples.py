"""Code samples of an operation: the same request in curl, Python and JavaScript."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from crm.docs.examples import KEY
from crm.docs.fields import Schema
from tenants import ids

__all__ = ["samples"]

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


def samples(operation: Any) -> list[Schema]:
    """Return the operation's samples, as documentation pages read them."""
    request = sample_of(operation)
    return [{"lang": lang, "label": label, "source": write(request)} for lang, label, write in LANGUAGES]


def sample_of(operation: Any) -> Sample:
    view, method = operation.view, operation.method
    path = operation.path.replace("{id}", ids.encode(view.prefix, KEY)).rstrip("/")
    headers = dict(SHOWN["key" if "key" in view.credentials else "session"])
    if "Cookie" in headers and method != "GET":
        headers |= FROM_OUR_PAGES
    if view.contract.tenant_required:
        headers[view.contract.tenant_header] = "YOUR_ORGANIZATION"
    serializer, _, example = operation.body() if method in ("POST", "PUT", "PATCH") else (None, "", None)
    if method == "POST" and not view.warning:
        headers["Idempotency-Key"] = "4f9d2c1e-1001"
    body = example if serializer is not None else None
    base = settings.PUBLIC_URL + "/" + view.contract.mounts[0].rstrip("/")
    return Sample(method, base + path + ("?limit=20" if operation.is_list else ""), headers, body)


def curl(request: Sample) -> str:
    lines = [f"curl -X {request.method} '{request.url}'" if request.method != "GET" else f"curl '{request.url}'"]
    lines += [f"  -H '{name}: {text}'" for name, text in request.headers.items()]
    if request.body is not None:
        text = json.dumps(request.body, indent=INDENT, ensure_ascii=False).replace("'", "'\\''")
        lines += ["  -H 'Content-Type: application/json'", f"  -d '{text}'"]
    return " \\\n".join(lines)


def python(request: Sample) -> str:
    parts = [literal(request.url), f"headers={literal(request.headers, TAB)}"]
    if request.body is not None:
        parts.append(f"json={literal(request.body, TAB)}")
    lines = [
        "import requests",
        "",
        f"response = requests.{request.method.lower()}(",
        *(f"{TAB}{part}," for part in (*parts, "timeout=30")),
        ")",
        "response.raise_for_status()",
        'print(response.json()["data"])',
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


def javascript(request: Sample) -> str:
    headers = dict(request.headers)
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    options = [f'method: "{request.method}"', f"headers: {json.dumps(headers, indent=INDENT)}"]
    if request.body is not None:
        options.append(f"body: JSON.stringify({json.dumps(request.body, indent=INDENT, ensure_ascii=False)})")
    inside = ",\n  ".join(option.replace("\n", "\n  ") for option in options)
    return "\n".join(
        [
            f"const response = await fetch({json.dumps(request.url)}, {{\n  {inside},\n}});",
            "if (!response.ok) throw new Error(await response.text());",
            "const { data } = await response.json();",
        ]
    )


LANGUAGES: tuple[tuple[str, str, Callable[[Sample], str]], ...] = (
    ("bash", "curl", curl),
    ("python", "Python", python),
    ("javascript", "JavaScript", javascript),
)
