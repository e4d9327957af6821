"""Files: what comes in, what is kept of it, and what comes out again."""

import os
import resource
import signal
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from crm.resources.files import rules, store
from crm.resources.files.content import safe_name
from crm.tasks import scan_files, sweep_files
from crm.uploads import clean_name
from tenants import ids
from tests.conftest import Answer, Caller
from tests.files import GOOD, NASTY, PDF, PNG
from tests.forms import Form

LIMIT = 10 * 1024 * 1024


def upload(caller: Caller, content: bytes, filename: str = "plan.pdf", *more: Any, **headers: str) -> Answer:
    return caller.post("/files", Form([("file", filename, content), *more]), **headers)


def kept(caller: Caller) -> set[str]:
    """Return the names of what lies in the tenant's folder."""
    folder = settings.KITH_HOME / "files" / caller.tenant.id.hex
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def arriving() -> list[Path]:
    return list(settings.FILES_INCOMING.glob("*")) if settings.FILES_INCOMING.is_dir() else []


@pytest.fixture(autouse=True)
def own_door(settings: Any) -> None:
    """Let uploads of this process arrive where those of others do not."""
    settings.FILES_INCOMING = settings.KITH_HOME / "files" / f"incoming-{os.getpid()}"


@pytest.fixture
def client(acme: Caller) -> str:
    return str(acme.post("/clients", {"name": "Ada"}).data["id"])


def test_it_keeps_what_it_is_given(acme: Caller, client: str) -> None:
    made = upload(acme, PDF, "Plan.pdf", ("record_id", None, client.encode()))
    assert made.status == 201, made.body
    file = made.data
    assert (file["name"], file["mime_type"], file["size"]) == ("Plan.pdf", "application/pdf", len(PDF))
    assert (file["sha256"], file["status"], file["bucket"]) == (sha256(PDF).hexdigest(), "ready", "local")
    assert file["record_id"] == client
    assert acme.get(f"/files/{file['id']}").data == file
    assert acme.get(f"/files?record_id={client}").data == [file]
    assert made.headers["Location"] == f"/v1/files/{file['id']}"


def test_it_gives_back_what_it_was_given_and_nothing_runs_it(acme: Caller) -> None:
    file = upload(acme, PDF, 'Größe "1".pdf').data
    answer = acme.get(f"/files/{file['id']}/download")
    assert (answer.status, answer.raw) == (200, PDF)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Length"] == str(len(PDF))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%20")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    again = acme.get(f"/files/{file['id']}/download", If_None_Match=answer.headers["ETag"])
    assert (again.status, again.raw) == (304, b"")


@pytest.mark.parametrize("name", GOOD)
def test_it_tells_the_type_by_the_content(acme: Caller, name: str) -> None:
    content, kind = GOOD[name]
    made = upload(acme, content, name)
    assert (made.status, made.data["mime_type"], made.data["name"]) == (201, kind, name)
    # Whatever it is called.
    assert upload(acme, content, "x" + name[-4:]).data["mime_type"] == kind


@pytest.mark.parametrize("what", NASTY)
def test_it_has_a_verdict_on(acme: Caller, what: str) -> None:
    name, content, verdict = NASTY[what]
    made = upload(acme, content, name)
    if isinstance(verdict, str):
        assert (made.status, made.data["mime_type"]) == (201, verdict)
        saved = acme.get(f"/files/{made.data['id']}/download")
        assert saved.raw == content
        assert f'filename="{safe_name(name, verdict)}"' in saved.headers["Content-Disposition"]
        assert not saved.headers["Content-Disposition"].rstrip('"').endswith((".html", ".js", ".exe"))
    else:
        assert made.status == verdict, made.body
        assert kept(acme) == set()
    assert arriving() == []


NAMES = {
    "../../etc/passwd": "passwd",
    "C:\\Windows\\plan.pdf": "plan.pdf",
    "a\u0000b.pdf": "ab.pdf",
    "A\u030angstro\u0308m.pdf": "Ångström.pdf",
    "photo\u202egpj.exe": "photogpj.exe",
    "  two   words .pdf ": "two words .pdf",
    "👩\u200d🔧 plan.pdf": "👩🔧 plan.pdf",
    "الخطة.pdf": "الخطة.pdf",
    "&#46;&#46;&#47;plan.pdf": "plan.pdf",
    "a" * 400 + ".pdf": "a" * 251 + ".pdf",
    "plan." + "x" * 400: None,
}


@pytest.mark.parametrize("name", NAMES)
def test_it_cleans_the_name_of(acme: Caller, name: str) -> None:
    made = upload(acme, PDF, name)
    assert made.status == 201, made.body
    assert NAMES[name] in (made.data["name"], None)
    assert len(made.data["name"]) <= 255
    assert kept(acme) == {ids.decode("fil", made.data["id"]).hex}
    assert acme.get(f"/files/{made.data['id']}/download").raw == PDF


@pytest.mark.parametrize("name", ["..", ".", "/", "\\", "a/.."])
def test_a_part_without_a_name_is_no_file(acme: Caller, name: str) -> None:
    refused = upload(acme, PDF, name)
    assert (refused.status, refused.error["details"]["field"]) == (400, "file")


def test_it_never_returns_a_name_that_is_a_path() -> None:
    assert [clean_name(name) for name in ("a/../..", "...", "\x00", "\ud800", "a\\b")] == ["", "", "", "", "b"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a\x00b", "a\u202eb", "x" * 256, "/"])
def test_a_new_name_must_be_one(acme: Caller, name: str) -> None:
    file = upload(acme, PDF).data["id"]
    refused = acme.patch(f"/files/{file}", {"name": name})
    assert refused.status == 400, refused.body
    assert upload(acme, PDF, "plan.pdf", ("name", None, name.encode())).status == 400


def test_it_can_be_renamed_and_attached_but_not_changed(acme: Caller, client: str) -> None:
    file = upload(acme, PDF, "plan.pdf", ("name", None, b"First.pdf")).data
    assert file["name"] == "First.pdf"
    invoice = acme.post("/invoices", {"client_id": client}).data["id"]
    for record in (client, invoice, None):
        changed = acme.patch(f"/files/{file['id']}", {"name": "Second.pdf", "record_id": record, "size": 1}).data
        assert (changed["name"], changed["record_id"], changed["size"]) == ("Second.pdf", record, len(PDF))
    assert acme.patch(f"/files/{file['id']}", {"file": "x"}).status == 400
    assert acme.get(f"/files/{file['id']}/download").raw == PDF


def test_it_is_attached_by_a_bare_uuid_too(acme: Caller, client: str) -> None:
    invoice = acme.post("/invoices", {"client_id": client}).data["id"]
    for record in (client, invoice):
        uuid = str(ids.decode(record.partition("_")[0], record))
        assert upload(acme, PDF, "plan.pdf", ("record_id", None, uuid.encode())).data["record_id"] == record
        assert len(acme.get(f"/files?record_id={uuid}").data) == 1
    assert upload(acme, PDF, "plan.pdf", ("record_id", None, str(uuid4()).encode())).status == 400


def test_it_is_attached_to_ones_own_records_only(acme: Caller, globex: Caller, client: str) -> None:
    refused = upload(globex, PDF, "plan.pdf", ("record_id", None, client.encode()))
    assert refused.error["message"] == "record_id: No such client."
    assert kept(globex) == set()
    file = upload(acme, PDF).data["id"]
    for path in (f"/files/{file}", f"/files/{file}/download"):
        assert globex.get(path).status == 404
    assert acme.with_scopes("files:write").get(f"/files/{file}/download").status == 403


def test_it_goes_with_its_content(acme: Caller) -> None:
    file = upload(acme, PDF).data["id"]
    assert len(kept(acme)) == 1
    assert acme.delete(f"/files/{file}", If_Match='"9"').status == 412
    assert len(kept(acme)) == 1
    assert acme.delete(f"/files/{file}").status == 200
    assert kept(acme) == set()
    assert acme.get(f"/files/{file}/download").status == 404
    types = [event["type"] for event in acme.get(f"/files/{file}/events").data]
    assert types == ["file.created", "file.deleted"]


def test_it_stays_when_its_record_goes(acme: Caller, client: str) -> None:
    file = upload(acme, PDF, "plan.pdf", ("record_id", None, client.encode())).data
    story = acme.get(f"/clients/{client}/activity").data
    assert [entry["title"] for entry in story] == ["File plan.pdf created", "Client Ada created"]
    assert acme.delete(f"/clients/{client}").status == 200
    assert acme.get(f"/files/{file['id']}").data == file


# Bodies that are no good.


def raw(caller: Caller, content: bytes, media: str) -> Answer:
    answer = caller.client.generic(
        "POST", "/v1/files", content, content_type=media, headers={"Authorization": f"Bearer {caller.key}"}
    )
    return Answer(answer.status_code, answer.json(), answer.headers, answer.content)


def test_it_says_how_to_send_a_file(acme: Caller) -> None:
    refused = acme.post("/files", {"name": "plan.pdf"})
    assert (refused.status, refused.error["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "curl -F file=@plan.pdf" in refused.error["message"]
    assert acme.post("/files", Form([("file", None, b"text")])).error["message"].startswith("file: Must be a file.")


BASE64 = (
    b'--a\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n!!!!!\r\n--a--"
)
BODIES: dict[str, tuple[bytes, str, int]] = {
    "no boundary": (b"x", "multipart/form-data", 400),
    "an empty boundary": (b"x", "multipart/form-data; boundary=", 400),
    "an odd boundary": (b"x", "multipart/form-data; boundary=\x01\xff", 400),
    "another boundary": (b'--a\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--a--',
                         "multipart/form-data; boundary=b", 400),
    "no end": (b'--a\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx',
               "multipart/form-data; boundary=a", 400),
    "no head": (b"--a\r\n\r\nx\r\n--a--", "multipart/form-data; boundary=a", 400),
    "nothing": (b"", "multipart/form-data; boundary=a", 415),
    "bad base64": (BASE64, "multipart/form-data; boundary=a", 400),
    "an odd charset": (b'--a\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--a--',
                       "multipart/form-data; boundary=a; charset=none-such", 400),
    "a long head": (b"--a\r\nContent-Disposition: form-data; name=" + b"x" * 100_000 + b"\r\n\r\nx\r\n--a--",
                    "multipart/form-data; boundary=a", 400),
    "mixed": (b"x", "multipart/mixed; boundary=a", 415),
    "a form of texts": (b"file=x", "application/x-www-form-urlencoded", 415),
    "a bare file": (PDF, "application/pdf", 415),
    "no type": (PDF, "", 415),
}  # fmt: skip


@pytest.mark.parametrize("what", BODIES)
def test_it_answers_a_body_with(acme: Caller, what: str) -> None:
    content, media, status = BODIES[what]
    answer = raw(acme, content, media)
    assert answer.status == status, answer.body
    assert arriving() == []


FORMS: dict[str, tuple[Form, int]] = {
    "two files": (Form([("file", "a.txt", b"a"), ("file", "b.txt", b"b")]), 400),
    "two names": (Form([("file", "a.txt", b"a"), ("name", None, b"a"), ("name", None, b"b")]), 400),
    "a file and a text of one name": (Form([("file", "a.txt", b"a"), ("file", None, b"b")]), 400),
    "a file of another name": (Form([("file", "a.txt", b"a"), ("other", "b.txt", b"b")]), 400),
    "a field of another name": (Form([("file", "a.txt", b"a"), ("tenant", None, b"b")]), 400),
    "a name that is a file": (Form([("file", "a.txt", b"a"), ("name", "b.txt", b"b")]), 400),
    "a NUL": (Form([("file", "a.txt", b"a"), ("name", None, b"a\x00b")]), 400),
    "a bad id": (Form([("file", "a.txt", b"a"), ("record_id", None, b"nope")]), 400),
    "many fields": (Form([(f"f{number}", None, b"a") for number in range(1100)]), 413),
    "many files": (Form([(f"f{number}", "a.txt", b"a") for number in range(110)]), 413),
    "long texts": (Form([("file", "a.txt", b"a"), ("name", None, b"a" * 1_100_000)]), 413),
    "no parts": (Form([]), 400),
}


@pytest.mark.parametrize("what", FORMS)
def test_it_answers_a_form_with(acme: Caller, what: str) -> None:
    form, status = FORMS[what]
    answer = acme.post("/files", form)
    assert answer.status == status, answer.body
    assert kept(acme) == set()
    assert arriving() == []


def test_it_reads_no_body_that_says_it_is_too_long(acme: Caller) -> None:
    refused = raw(acme, b"x" * (LIMIT + 2 * 1024 * 1024), "multipart/form-data; boundary=a")
    assert (refused.status, refused.body["error"]["message"]) == (413, "The file is larger than 10 MB.")


def test_who_may_not_is_told_so_whatever_the_body(acme: Caller, nobody: Caller) -> None:
    for form in (Form([("file", "a.txt", b"a")]), {"no": "form"}):
        assert nobody.post("/files", form).status == 401
        assert acme.with_scopes("files:read").post("/files", form).status == 403
    assert kept(acme) == set()


# Once and no more.


def test_it_is_kept_once_for_each_key(acme: Caller) -> None:
    first = upload(acme, PDF, Idempotency_Key="one")
    # The same in another envelope: each program makes up its boundary anew.
    again = upload(acme, PDF, Idempotency_Key="one")
    assert (again.status, again.raw) == (201, first.raw)
    assert again.headers["Idempotent-Replayed"] == "true"
    for other in (upload(acme, PDF + b" ", Idempotency_Key="one"), upload(acme, PDF, "b.pdf", Idempotency_Key="one")):
        assert other.status == 422
    assert len(kept(acme)) == 1


def test_a_refused_one_can_be_corrected(acme: Caller) -> None:
    assert upload(acme, b"<html>", Idempotency_Key="one").status == 400
    assert upload(acme, PDF, Idempotency_Key="one").status == 201


# Space.


def test_it_stops_at_the_quota(acme: Caller, settings: Any) -> None:
    settings.FILES_QUOTA_MB = 1
    assert upload(acme, b"a" * 700_000, "a.txt").status == 201
    refused = upload(acme, b"a" * 700_000, "a.txt")
    assert refused.status == 409
    assert refused.error["message"] == "file: Your files take 0.7 of 1 MB: delete some first."
    assert refused.error["details"]["used"] == 700_000
    assert len(kept(acme)) == 1
    settings.FILES_QUOTA_MB = 0
    assert upload(acme, b"a" * 700_000, "a.txt").status == 201


@pytest.fixture
def short_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 100 kB, as a full disk would not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_is_told(acme: Caller, short_disk: None) -> None:
    refused = upload(acme, b"a" * 700_000, "a.txt")
    assert (refused.status, refused.error["code"]) == (507, "INSUFFICIENT_STORAGE")
    assert acme.get("/files").data == []
    assert upload(acme, b"a", "a.txt").status == 201
    assert arriving() == []


def test_a_nearly_full_disk_takes_nothing(acme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.uploads.KEPT_FREE", 1)
    assert upload(acme, b"a", "a.txt").status == 507
    assert acme.get("/files").status == 200


# Litter.


def litter(caller: Caller, age: timedelta) -> Path:
    path = settings.KITH_HOME / "files" / caller.tenant.id.hex / uuid4().hex
    path.write_bytes(b"x")
    moment = (timezone.now() - age).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_content_without_a_record_goes_after_a_day(acme: Caller) -> None:
    upload(acme, PDF)
    old, new = litter(acme, timedelta(hours=25)), litter(acme, timedelta(hours=23))
    left = settings.FILES_INCOMING / "abc.upload"
    left.write_bytes(b"x")
    os.utime(left, (0, 0))
    for path in (settings.KITH_HOME / "files" / acme.tenant.id.hex).iterdir():
        if path not in (old, new):
            os.utime(path, (0, 0))
    sweep_files()
    assert not old.exists()
    assert not left.exists()
    assert len(kept(acme)) == 2
    assert rules.sweep(acme.tenant, now=timezone.now()) == 0


# A scanner.


def test_a_scanner_decides_what_can_be_downloaded(acme: Caller, settings: Any) -> None:
    settings.FILES_SCANNER = "sh -c 'if grep -q EICAR; then exit 1; fi'"
    good, bad = upload(acme, b"fine", "a.txt").data, upload(acme, b"EICAR", "b.txt").data
    assert (good["status"], bad["status"]) == ("pending", "pending")
    refused = acme.get(f"/files/{good['id']}/download")
    assert (refused.status, refused.error["message"]) == (
        409, "status: The file is pending: only a ready one can be downloaded.",
    )  # fmt: skip
    scan_files()
    assert acme.get(f"/files/{good['id']}").data["status"] == "ready"
    assert acme.get(f"/files/{good['id']}/download").raw == b"fine"
    assert acme.get(f"/files/{bad['id']}/download").status == 409
    types = [event["type"] for event in acme.get(f"/files/{bad['id']}/events").data]
    assert types == ["file.created", "file.rejected"]


@pytest.mark.parametrize("command", ["sh -c 'exit 2'", "/nowhere/scanner"])
def test_a_scanner_that_fails_decides_nothing(acme: Caller, settings: Any, command: str) -> None:
    settings.FILES_SCANNER = command
    file = upload(acme, PNG, "a.png").data
    assert rules.scan(acme.tenant) == 0
    assert acme.get(f"/files/{file['id']}").data["status"] == "pending"
    assert store.bucket() == "local"
