"""Files in an S3 bucket: the same answers, and nothing on the disk. The server is moto's, over real HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.utils import timezone
from moto.server import ThreadedMotoServer

from config.env import read
from config.stores import stores
from crm.resources.files import rules
from tenants import ids
from tests.conftest import Caller
from tests.files import PDF
from tests.test_files import kept, upload


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def configured(settings: Any, bucket: str, endpoint: str) -> dict[str, Any]:
    """Return the stores of an environment that names a bucket."""
    named = {"S3_BUCKET": bucket, "S3_ENDPOINT": endpoint, "S3_ACCESS_KEY": "anyone", "S3_SECRET_KEY": "anything"}
    return stores(read({"KITH_HOME": str(settings.KITH_HOME), **named}))


@pytest.fixture
def bucket(server: str, settings: Any) -> Any:
    """Keep new files in a bucket."""
    found = boto3.resource(
        "s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="anyone", aws_secret_access_key="anything"
    ).create_bucket(Bucket="kith-files")
    settings.STORAGES = configured(settings, "kith-files", server)
    settings.FILES_BUCKET = "kith-files"
    return found


def names(bucket: Any, caller: Caller) -> list[str]:
    return [item.key for item in bucket.objects.filter(Prefix=caller.tenant.id.hex)]


def test_a_bucket_keeps_and_gives_back(acme: Caller, bucket: Any) -> None:
    content = PDF + b"%" * 9_000_000
    file = upload(acme, content).data
    assert file["bucket"] == "kith-files"
    assert names(bucket, acme) == [f"{acme.tenant.id.hex}/{ids.decode('fil', file['id']).hex}"]
    assert kept(acme) == set()
    assert acme.get(f"/files/{file['id']}/download").raw == content
    assert acme.delete(f"/files/{file['id']}").status == 200
    assert names(bucket, acme) == []


def test_what_came_before_the_bucket_stays_where_it_is(acme: Caller, settings: Any, request: Any) -> None:
    file = upload(acme, PDF).data
    request.getfixturevalue("bucket")
    assert acme.get(f"/files/{file['id']}/download").raw == PDF
    assert acme.get(f"/files/{file['id']}").data["bucket"] == "local"


def test_a_bucket_is_swept_too(acme: Caller, bucket: Any) -> None:
    upload(acme, PDF)
    bucket.put_object(Key=f"{acme.tenant.id.hex}/litter", Body=b"x")
    assert rules.sweep(acme.tenant, now=timezone.now()) == 0
    assert rules.sweep(acme.tenant, now=timezone.now() + timedelta(hours=25)) == 1
    assert len(names(bucket, acme)) == 1


def test_a_bucket_that_does_not_answer_is_told(acme: Caller, bucket: Any, settings: Any) -> None:
    file = upload(acme, PDF).data
    settings.STORAGES = configured(settings, "kith-files", "http://127.0.0.1:9")
    refused = upload(acme, PDF)
    assert (refused.status, refused.error["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert acme.get(f"/files/{file['id']}/download").status == 503
    assert [item["id"] for item in acme.get("/files").data] == [file["id"]]
