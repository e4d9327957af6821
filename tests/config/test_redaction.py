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
SIGNING = "whsk_" + "c2VjcmV0" * 5 + "c2U="
SIGNATURES = f"v1,{'c2VjcmV0' * 5}c2U= v1a,{'c2VjcmV0' * 10}c2Vjcg== v1,{'c2VjcmV0' * 5}c2U="
SEALED = "1f2e3d4c:gAAAAABp" + "c2VjcmV0" * 14 + "c2U="
RING_KEY = "c2VjcmV0" * 5 + "c2U="

SECRETS = {
    "api key": f"refused {KEY}",
    "webhook secret": f"signed with {HOOK}",
    "webhook secret in an address": f"GET /hook?secret={HOOK}%2Bc2VjcmV0%3D",
    "signing key": f"signed with {SIGNING}",
    "signatures": f"sent {SIGNATURES}",
    "header of signatures": f"webhook-signature: {SIGNATURES}",
    "pair of signatures": f"[(b'webhook-signature', b'{SIGNATURES}'), (b'accept', b'*/*')]",
    "signature of another form": "{'webhook-signature': 's3cr3t'}",
    "sealed text": f"cannot open {SEALED}",
    "keys that seal": f"ENCRYPTION_KEYS={RING_KEY},{RING_KEY}",
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
    assert mask(SECRETS["header of signatures"]) == "webhook-signature: [redacted]"
    assert mask(SECRETS["pair of signatures"]) == "[(b'webhook-signature', b'[redacted]'), (b'accept', b'*/*')]"
    assert mask(SECRETS["sealed text"]) == "cannot open 1f2e3d4c:[redacted]"
    assert mask(f"signed with {SIGNING}") == "signed with whsk_[redacted]"
    assert mask("verify with whpk_cHVibGlj, v1,v2 of v1") == "verify with whpk_cHVibGlj, v1,v2 of v1"
    assert mask(f"refused {KEY}") == "refused kith_live_[redacted]"
    assert mask("GET http://127.0.0.1:8000/v1/clients?email=a@b.example") == (
        "GET http://127.0.0.1:8000/v1/clients?email=a@b.example"
    )


def test_it_masks_message_and_arguments(output: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = output
    logger.warning("key %s of %s", KEY, {"cookie": "s3cr3t", "address": SECRETS["address"]})
    message = f"hook {HOOK} signs %s"
    logger.warning(message, {"Webhook-Signature": SIGNATURES})
    logger.warning("%s was %s: %r", SIGNING, SEALED, [SIGNATURES, SIGNING])
    assert not [leak for leak in LEAKS if leak in stream.getvalue()]


def test_it_masks_the_text_of_an_exception(output: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = output
    for secret in (KEY, HOOK, SIGNING, SIGNATURES, SEALED):
        try:
            raise ValueError(f"bad key {secret}")
        except ValueError:
            logger.exception("failed")
    assert "ValueError: bad key kith_live_[redacted]" in stream.getvalue()
    assert "ValueError: bad key whsk_[redacted]" in stream.getvalue()
    assert not [leak for leak in LEAKS if leak in stream.getvalue()]


def test_it_masks_the_fields_of_structlog(output: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = output
    processors: list[Any] = [structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    log = structlog.wrap_logger(logger, processors=processors, wrapper_class=structlog.stdlib.BoundLogger)
    log.warning(
        "called",
        webhook_signature="s3cr3t",
        signing_key="s3cr3t",
        encryption_keys=["s3cr3t"],
        sealed=SEALED,
        sent=SIGNATURES.encode(),
        password="s3cr3t",
        headers={"Authorization": "s3cr3t"},
        tried=[KEY],
        body=KEY.encode(),
        count=3,
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
