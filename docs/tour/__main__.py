"""`make tour`: starts a Kith of its own, walks through it with curl, and writes docs/tour.md."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from docs.tour.steps import lead, sale
from docs.tour.walk import Unexpected, Walk

ROOT = Path(__file__).resolve().parents[2]
SLUG = "blue-door"
V1 = {"client_id": "client_id", "quotes": "quotes", "quote": "quote", "product_id": "product_id"}
PUBLIC = {"client_id": "customer_id", "quotes": "estimates", "quote": "estimate", "product_id": "service_id"}
HEAD = """# A tour with curl

From a form on a website to a refund, first through `/v1`, then through the public contract in its own words. Every
command below ran as it stands, against a Kith that was started for it, and what follows it is the answer it got: of
records a few fields. `make tour` writes this page anew.

`KITH` is where Kith runs, `KEY` a key with the scope `admin`, `FORM_KEY` one that may only write leads: `manage.py
provision` and `manage.py issue_key` make them.
"""


def main() -> int:
    """Start Kith, walk, write; returns 1 where an answer was not as promised, and 2 without curl."""
    if shutil.which("curl") is None:
        sys.stderr.write("The tour is made with curl, and there is none on the PATH.\n")
        return 2
    home = Path(tempfile.mkdtemp(prefix="kith-tour-"))
    home.chmod(0o755)
    env = {**os.environ, "KITH_HOME": str(home)}
    port = free_port()
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), "--no-demo"]
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as kith:
        try:
            assert kith.stdout is not None
            next(line for line in kith.stdout if line.startswith("ready:"))
            text = walk(port, env)
        except Unexpected as error:
            sys.stderr.write(f"{error}\n")
            return 1
        finally:
            kith.send_signal(signal.SIGTERM)
            kith.wait(timeout=20)
            shutil.rmtree(home, ignore_errors=True)
    (ROOT / "docs" / "tour.md").write_text(text)
    sys.stdout.write("docs/tour.md written\n")
    return 0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def manage(env: dict[str, str], *arguments: str) -> Any:
    """Run a management command and return the JSON that it prints."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments, "--json"]
    told = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(told.stdout)


def walk(port: int, env: dict[str, str]) -> str:
    """Walk through both contracts and return the transcript."""
    made = manage(env, "provision", SLUG, "--name", "Blue Door Plumbing", "--plan", "pro")
    form_key = manage(env, "issue_key", SLUG, "--name", "Website form", "--scopes", "leads:write")["key"]
    host = f"http://{SLUG}.localtest.me:{port}"
    variables = {"KITH": f"http://localhost:{port}", "KEY": made["live_key"], "FORM_KEY": form_key}
    bearer = ("-H", '"Authorization: Bearer $KEY"')
    # Its name stands in the DNS, which not every machine may ask.
    first = Walk(variables, bearer, "$KITH/v1", f"--resolve {SLUG}.localtest.me:{port}:127.0.0.1")
    client, service, member = begin(first, host, port)
    first.say("## Through `/v1`, from the form to the refund")
    sale(first, V1, client, service, member)
    second = Walk(variables, ("-H", '"X-API-Key: $KEY"', "-H", f'"X-Organization-Id: {SLUG}"'), "$KITH/api/public/v1")
    second.say("## The same through the public contract, in its words")
    second.say("Each request names the organization; clients are customers here, quotes are estimates.")
    customer = second.call(
        "POST", "/customers", {"name": "Grace Hopper", "email": "grace@example.com"}, expect=201, show=("id", "name")
    )
    person = {"name": "Sam", "email": "sam@example.com"}
    colleague = second.call("POST", "/team", person, expect=201, show=("id", "name"))
    sale(second, PUBLIC, customer, service, colleague)
    return "\n".join([HEAD, *first.lines, *second.lines]).replace(f":{port}", ":8000")


def begin(first: Walk, host: str, port: int) -> tuple[Any, Any, Any]:
    """Set up what a sale needs, and let the first lead come in."""
    first.say("## What there is to sell, and who does the work")
    body = {"type": "service", "name": "Drain cleaning", "price": "149.00", "duration_minutes": 60}
    service = first.call("POST", "/products", body, expect=201, show=("id", "name", "price", "currency"))
    member = first.call(
        "POST", "/team", {"name": "Rosa Diaz", "email": "rosa@example.com"}, expect=201, show=("id", "name", "role")
    )
    form = [
        "curl", "-sS", "-X", "POST", f'"{host}/api/leads/intake"',
        "-H", '"X-API-Key: $FORM_KEY"', "-d", '"name=Ada Lovelace"', "-d", '"email=ada@example.com"',
        "-d", '"message=The kitchen drain is slow."', "-d", '"house_type=Victorian"', "-d", '"utm_source=newsletter"',
    ]  # fmt: skip
    client = lead(first, form)
    return client, service, member


if __name__ == "__main__":
    sys.exit(main())
