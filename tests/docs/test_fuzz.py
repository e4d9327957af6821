"""The document against the API: schemathesis sends what it allows and what it forbids, and checks every answer.

All of its checks are on. They run over HTTP to this very process and its real database, with a fixed seed.
"""

from collections import Counter
from itertools import count
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from crm.docs.generator import build
from crm.registry import CONTRACTS, RESOURCES
from crm.rest.contract import Contract
from crm.rest.router import bound_views
from tests.conftest import Caller, make_caller
from tests.docs.excuses import EXCUSES
from tests.docs.seeding import seed
from tests.docs.taught import teach, teach_formats

SEED = 20260131


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_it_keeps_the_documents_promises(contract: Contract, address: str) -> None:
    report = fuzz(contract, address, make_caller("fuzz"), examples=1, coverage=False)
    assert not report.failures, report.text()


# What it sends is meant to be large; only saying so is slow.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.deep
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_it_keeps_them_at_every_boundary(contract: Contract, address: str) -> None:
    """Some hundred requests an operation, one for each value that a schema treats in a way of its own."""
    report = fuzz(contract, address, make_caller("fuzz"), examples=200, coverage=True)
    assert not report.failures, report.text()


class Report:
    """What a run found, each kind of failure once."""

    def __init__(self) -> None:
        self.checks: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.failures: dict[tuple[str, str, str], str] = {}
        self.seconds: dict[str, float] = {}

    def add(self, recorder: Any) -> None:
        for case_id, checks in recorder.checks.items():
            for check in checks:
                self.checks[check.name] += 1
                if check.failure_info is not None:
                    self.fail(recorder, case_id, check)
        answers = (item.response for item in recorder.interactions.values())
        self.statuses.update(response.status_code for response in answers if response is not None)

    def fail(self, recorder: Any, case_id: str, check: Any) -> None:
        failure, response = check.failure_info.failure, recorder.interactions[case_id].response
        told = f"{failure.title}: {failure.message}\n{check.failure_info.code_sample}"
        if response is not None:
            told += f"\n{response.status_code} {(response.content or b'')[:1000].decode(errors='replace')}"
        self.failures.setdefault((check.name, failure.operation, failure.title), told)

    def text(self) -> str:
        found = [f"{' / '.join(place)}\n{told}" for place, told in self.failures.items()]
        return "\n\n".join([f"{self.seconds} {dict(self.checks)} {sorted(self.statuses.items())}", *found])


def fuzz(contract: Contract, address: str, caller: Caller, *, examples: int, coverage: bool) -> Report:
    """Run schemathesis over the contract's document."""
    views = {name: view for name, view in bound_views(contract, RESOURCES).items() if "key" in view.credentials}
    caller = caller.on(contract)
    ids = seed(caller, views)
    document = teach(build(contract), organization=caller.tenant.slug)
    teach_formats(ids)
    config = config_of(caller, address + caller.base, examples, coverage=coverage)
    schema = schemathesis.openapi.from_dict(document, config=config)
    report = Report()
    for event in from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            raise event.value
        if isinstance(event, events.ScenarioFinished):
            phase = event.phase.value
            report.seconds[phase] = report.seconds.get(phase, 0.0) + event.elapsed_time
            report.add(event.recorder)
    # For `pytest -rP`, which shows what a run that passed has done.
    print(report.text())
    return report


def config_of(caller: Caller, base_url: str, examples: int, *, coverage: bool) -> SchemathesisConfig:
    generation = {
        "max-examples": examples,
        "deterministic": True,
        "database": "none",
        # NUL cannot be stored, and no pattern of the document should have to say so for every text.
        "allow-x00": False,
        # A second, generated key beside the true one is a contradiction, not data.
        "with-security-parameters": False,
    }
    headers = {"Authorization": f"Bearer {caller.key}", **caller.headers}
    found = {"seed": SEED, "base-url": base_url, "headers": headers, "workers": 1}
    phases = {"coverage": {"enabled": coverage}}
    return SchemathesisConfig.from_dict({**found, "generation": generation, "phases": phases})


keys = count(1)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make each well-formed Idempotency-Key new, of the same length: the fuzzer repeats them with other bodies."""
    known = case.headers.get("Idempotency-Key") if case.headers else None
    if known and len(known) <= 255 and known.isascii() and known.isprintable():
        case.headers["Idempotency-Key"] = f"{next(keys):08d}{known[8:]}"
    # Numbers beyond 2^53 are refused even in JSON that is the caller's own: other readers would round them.
    case.body = small(case.body)


def small(value: Any) -> Any:
    """Return a JSON value with every number inside 2^53."""
    if isinstance(value, dict):
        return {name: small(item) for name, item in value.items()}
    if isinstance(value, list):
        return [small(item) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return max(-(2**53), min(2**53, value)) if is_number else value


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Tell whether a failure counts: a few answers follow from more than the document can say."""
    return not any(excuse(failure, case, response) for excuse in EXCUSES)
