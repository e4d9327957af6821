"""No secret reaches a log line, and no value can write a line of its own."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.logs import formatter
from config.redaction import mask

KEY = "kith_live_ab12cd34_" + "s3cr3t" * 6 + "zz"
HOOK = "whsec_" + "c2VjcmV0" * 4

SECRETS = {
    "api key": f"refused {KEY}",
    "webhook secret": f"signed with {HOOK}",
    "address": "cannot reach postgresql://ann:s3cr3tpass@db.example.com/crm",
    "address without a user": "cannot reach redis://:s3cr3tpass@localhost:6379/0",
    "address with a strange password": "cannot reach redis://:s3cr3t@pass@localhost:6379/0",
    "header line": "Authorization: Bearer s3cr3ttoken.s3cr3t",
    "header pair": "{'X-API-Key': 's3cr3tkey', 'Accept': '*/*'}",
    "header as JSON": '{"authorization": "Basic czNjcjN0OnMzY3IzdA==", "s": 1}',
    "header in the environment": "HTTP_COOKIE=sessionid=s3cr3t; csrftoken=s3cr3t",
    "connection string": "host=db password=s3cr3tpass user=ann",
}
LEAKS = ("s3cr3t", "czNjcjN0", "c2VjcmV0")


@pytest.fixture(params=["json", "console"])
def output(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(request.param))
    logger = logging.getLogger("kith.test.redaction")
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_it_masks_every_shape_of_a_secret(text: str) -> None:
    masked = mask(text)
    assert not [leak for leak in LEAKS if leak in masked]
    assert "[redacted]" in masked


def test_it_leaves_the_rest_readable() -> None:
    assert mask(SECRETS["address"]) == "cannot reach postgresql://ann:[redacted]@db.example.com/crm"
    assert mask(SECRETS["header pair"]) == "{'X-API-Key': [redacted], 'Accept': '*/*'}"
    assert mask(f"refused {KEY}") == "refused kith_live_[redacted]"
    assert mask("GET http://127.0.0.1:8000/v1/clients?email=a@b.example") == (
        "GET http://127.0.0.1:8000/v1/clients?email=a@b.example"
    )


def test_it_masks_message_and_arguments(output: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = output
    logger.warning("key %s of %s", KEY, {"cookie": "s3cr3t", "address": SECRETS["address"]})
    assert not [leak for leak in LEAKS if leak in stream.getvalue()]


def test_it_masks_the_text_of_an_exception(output: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = output
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError:
        logger.exception("failed")
    assert "ValueError: bad key kith_live_[redacted]" in stream.getvalue()
    assert not [leak for leak in LEAKS if leak in stream.getvalue()]


def test_it_masks_the_fields_of_structlog(output: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = output
    processors: list[Any] = [structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    log = structlog.wrap_logger(logger, processors=processors, wrapper_class=structlog.stdlib.BoundLogger)
    log.warning(
        "called", password="s3cr3t", headers={"Authorization": "s3cr3t"}, tried=[KEY], body=KEY.encode(), count=3
    )
    assert not [leak for leak in LEAKS if leak in stream.getvalue()]
    assert "3" in stream.getvalue()


def test_nobody_can_write_a_line_of_their_own(output: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = output
    logger.warning("name %s", "Ann\r\n2026-01-01 [error] all is lost")
    assert stream.getvalue().count("\n") == 1
    assert "Ann" in stream.getvalue()


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter("json"))
    handler.handle(logging.LogRecord("kith", logging.INFO, __file__, 1, "hello %s", ("Ann",), None))
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("hello Ann", "info", "kith")
