"""What holds for files: which are taken, how much of them, and that no content stays without its record."""

import logging
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from crm.errors import Conflict, Invalid
from crm.resources.files import store
from crm.resources.files.content import ALLOWED, type_of
from crm.resources.files.models import File, Status
from crm.rest import writes
from crm.uploads import Upload
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["AGE", "BATCH", "create", "delete", "scan", "sweep"]

log = logging.getLogger("kith.files")
BATCH = 20
MEGABYTE = 2**20
# Long enough for any transaction that has not committed its row yet.
AGE = timedelta(hours=24)
SCAN_SECONDS = 30
# What a scanner's exit status says, as clamdscan has it; any other one says nothing of the file.
VERDICTS = {0: Status.READY, 1: Status.REJECTED}


def create(upload: Upload, data: Mapping[str, Any], *, actor: Actor) -> File:
    """Keep an upload as a file; raises Invalid for a type that is not taken, Conflict where the quota is used up."""
    name = data.get("name") or upload.name or "file"
    kind = type_of(upload.content, upload.name)
    if kind is None:
        endings = ", ".join(ending for endings in ALLOWED.values() for ending in endings[:1])
        raise Invalid(f"This is none of the types that are taken, by its content: {endings}.", "file")
    with tenant_scope(actor.tenant.id):
        check_quota(actor.tenant, upload.size)
        file = File(
            id=upload.key, tenant=actor.tenant, name=name, mime_type=kind, size=upload.size, sha256=upload.sha256,
            status=Status.PENDING if settings.FILES_SCANNER else Status.READY, bucket=store.bucket(),
            record_id=data.get("record_id"),
        )  # fmt: skip
        # The content first: a record without content would be a promise, content without a record is only litter.
        store.keep(file, upload)
        writes.create(file, actor=actor)
    return file


def check_quota(tenant: Tenant, more: int) -> None:
    """Raise Conflict where `more` bytes would be too many; two uploads at the same moment may both be the last."""
    quota = settings.FILES_QUOTA_MB * MEGABYTE
    used = File.objects.of(tenant).aggregate(used=Sum("size"))["used"] or 0
    if quota and used + more > quota:
        message = f"Your files take {used / MEGABYTE:.1f} of {settings.FILES_QUOTA_MB} MB: delete some first."
        raise Conflict(message, "file", used=used, quota=quota)


def delete(file: File, *, actor: Actor) -> None:
    """Delete a file, and its content once that is certain."""
    writes.delete(file, actor=actor)
    transaction.on_commit(lambda: store.drop(file), using=alias(), robust=True)


def scan(tenant: Tenant) -> int:
    """Let the scanner look at the tenant's pending files, some at a time; return how many it has judged."""
    actor, judged = Actor.system(tenant, "scanner"), 0
    with tenant_scope(tenant.id):
        pending = list(File.objects.of(tenant).filter(status=Status.PENDING).order_by("id")[:BATCH])
    for file in pending:
        verdict = verdict_on(file)
        if verdict is not None:
            with writes.changing(file, actor=actor, verb=verdict):
                file.status = verdict
            judged += 1
    return judged


def verdict_on(file: File) -> str | None:
    """Run the scanner on the file's content; None where it cannot tell."""
    command = shlex.split(settings.FILES_SCANNER)
    try:
        with store.opened(file) as content, TemporaryFile() as copy:
            shutil.copyfileobj(content, copy)
            copy.seek(0)
            done = subprocess.run(command, stdin=copy, capture_output=True, timeout=SCAN_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("the scanner failed on %s: %s", file.pk, error)
        return None
    if done.returncode not in VERDICTS:
        log.warning("the scanner ended with %s on %s", done.returncode, file.pk)
    return VERDICTS.get(done.returncode)


def sweep(tenant: Tenant, *, now: datetime) -> int:
    """Delete content that has no record, of uploads that were rolled back; return how many."""
    with tenant_scope(tenant.id):
        known = set(File.objects.of(tenant).values_list("pk", flat=True))
    over = list(store.strays(tenant, known, before=now - AGE))
    for storage, path in over:
        storage.delete(path)
    return len(over)
