"""Where the content of files lies: a folder on disk, or an S3 bucket; in either as tenant/file, without a name."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import Storage, storages

from crm.errors import Unreadable
from crm.resources.files.models import File
from crm.uploads import Upload, full_disk_is_told
from tenants.models import Tenant

__all__ = ["bucket", "drop", "forget_parts", "keep", "opened", "strays"]

LOCAL, S3 = "local", "s3"


def bucket() -> str:
    """Return where new files go."""
    return settings.FILES_BUCKET or LOCAL


def store_of(name: str) -> Storage:
    """Return the store of a bucket; files stay where they were when new ones go elsewhere."""
    return storages[LOCAL if name == LOCAL else S3]


def path_of(file: File) -> str:
    return f"{file.tenant_id.hex}/{file.pk.hex}"


@contextmanager
def answering() -> Iterator[None]:
    """Turn the silence or the refusal of a store into a 503."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unreadable(
            503, "The store of files did not answer. Try again later.", code="SERVICE_UNAVAILABLE"
        ) from error


def keep(file: File, upload: Upload) -> None:
    """Put the upload's content where the file's has to be; raises a 507 or 503 where it cannot be."""
    if not upload.stored:
        with answering(), full_disk_is_told():
            store_of(file.bucket).save(path_of(file), upload.content)
        upload.stored = True


def opened(file: File) -> Any:
    """Return the file's content, open to be read."""
    with answering():
        return store_of(file.bucket).open(path_of(file))


def drop(file: File) -> None:
    """Delete the file's content."""
    store_of(file.bucket).delete(path_of(file))


def strays(tenant: Tenant, known: set[UUID], *, before: datetime) -> Iterator[tuple[Storage, str]]:
    """Yield what lies in the tenant's folders since `before` and is none of the `known` files."""
    names = {file.hex for file in known}
    for store in {LOCAL: storages[LOCAL], bucket(): store_of(bucket())}.values():
        for name in listed(store, tenant.id.hex):
            path = f"{tenant.id.hex}/{name}"
            if name not in names and store.get_modified_time(path) < before:
                yield store, path


def listed(store: Storage, folder: str) -> list[str]:
    try:
        return store.listdir(folder)[1]
    except FileNotFoundError:
        return []


def forget_parts(*, before: datetime) -> int:
    """Delete what uploads left behind that a crash broke off; return how many."""
    over = [path for path in settings.FILES_INCOMING.glob("*.upload") if path.stat().st_mtime < before.timestamp()]
    for path in over:
        path.unlink(missing_ok=True)
    return len(over)
