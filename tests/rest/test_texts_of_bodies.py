"""The text of bodies: what is too large, too deep, doubled or no JSON is answered for what it is, under any path."""

import pytest

from tests.conftest import Answer, Caller

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(("raw", "status", "told"), [
    (b'{"name": "Ada"', 400, "not valid JSON: Expecting"), (b"", 400, "Missing"), (b" ", 400, "not valid JSON"),
    (b"{'name': 'Ada'}", 400, "not valid JSON"), (b'{"name": "Ada",}', 400, "not valid JSON"),
    (b'{"name": "A\xff"}', 400, "not UTF-8: byte 11"), ('{"name": "Ada"}'.encode("utf-16"), 400, "not UTF-8"),
    (b'\xef\xbb\xbf{"name": "Ada"}', 400, "not valid JSON: Unexpected UTF-8 BOM"),
    (b'{"name": "Ada", "name": "Bob"}', 400, "'name' occurs twice"),
    (b'{"name": "Ada", "metadata": {"a": 1, "a": 2}}', 400, "'a' occurs twice"),
    (b"[" * 100_000, 400, "deeper than 32"), (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, "deeper than 32"),
    (b'{"name": "A\\u0000"}', 400, "in name holds a character"), (b'{"name": "\\ud800"}', 400, "half of a surrogate"),
    (b'{"metadata": {"\\u0000": 1}}', 400, "cannot be stored"),
    (b'{"metadata": [["\\udc00"]]}', 400, "in metadata.0.0"),
    (b'{"a": 1e400}', 400, "The number 1e400"), (b'{"a": NaN}', 400, "NaN is not JSON"),
    (b'{"a": -Infinity}', 400, "not JSON"),
    (b'{"a": ' + b"9" * 5000 + b"}", 400, "beyond 2^53"), (b'{"a": 9007199254740993}', 400, "beyond 2^53"),
    (b'{"name": "' + b"x" * MEGABYTE + b'"}', 413, "larger than 1 MB"),
])  # fmt: skip
def test_it_says_what_is_wrong_with_a_text(acme: Caller, raw: bytes, status: int, told: str) -> None:
    answer = acme.post("/clients", raw)
    assert (answer.status, told in answer.error["message"]) == (status, True), answer.body


@pytest.mark.parametrize("raw", [
    b'{"name": "\\ud83d\\ude00"}', '{"name": "😀"}'.encode(), b' \n{"name": "Ada"}\n ', b'{"name": "[[[[[{{{{{\\"[["}',
    b'{"name": "Ada", "metadata": ' + b'{"a":' * 30 + b"1" + b"}" * 31,
    b'{"name": "Ada", "metadata": {"a": [' + b",".join([b"[]"] * 5000) + b"]}}",
    b'{"name": "Ada", "metadata": {"n": 9007199254740992}}', b'{"n\\u0061me": "Ada"}',
])  # fmt: skip
def test_it_takes_every_text_that_is_fine(acme: Caller, raw: bytes) -> None:
    answer = acme.post("/clients", raw)
    assert answer.status == 201, answer.body


def send(caller: Caller, media: str, raw: bytes, path: str = "/v1/clients") -> Answer:
    response = caller.client.generic(
        "POST", path, raw, content_type=media, headers={"Authorization": f"Bearer {caller.key}"}
    )
    return Answer(response.status_code, response.json(), response.headers, response.content)


@pytest.mark.parametrize("media", [
    "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
    "application/jsonp", "json", "application/json2", "text/json",
])  # fmt: skip
def test_it_takes_json_alone(acme: Caller, media: str) -> None:
    answer = send(acme, media, b'{"name": "Ada"}')
    assert (answer.status, answer.error["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE"), answer.body


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_it_takes_json_by_any_of_its_names(acme: Caller, media: str) -> None:
    assert send(acme, media, b'{"name": "Ada"}').status == 201


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[" * 100_000, b'"' + b"x" * MEGABYTE * 2 + b'"', b'{"a":1,"a":2}'])
@pytest.mark.parametrize("media", ["application/json", "text/plain"])
def test_it_finds_no_unknown_path_whatever_is_sent(acme: Caller, raw: bytes, media: str) -> None:
    answer = send(acme, media, raw, "/v1/nowhere")
    assert (answer.status, answer.error["code"]) == (404, "NOT_FOUND")


def test_it_refuses_a_query_with_a_thousand_names(acme: Caller) -> None:
    answer = acme.get("/clients?" + "&".join(f"a{number}=1" for number in range(1001)))
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
