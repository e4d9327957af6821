"""Files on the wire."""

from collections.abc import Callable
from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.decorators import action
from rest_framework.request import Request

from crm.errors import Conflict
from crm.records import RecordField, RecordFilter
from crm.resources.files import rules, store
from crm.resources.files.content import ALLOWED, safe_name
from crm.resources.files.models import File, Status
from crm.rest.bodies import tagged
from crm.rest.fields import IdField
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.metadata import telling
from crm.rest.serializers import ResourceSerializer, bind
from crm.rest.viewset import ResourceViewSet
from crm.rest.writes import one_write
from crm.uploads import MULTIPART, FileNameField, TakesUpload, UploadField

__all__ = ["FileViewSet"]

get: Callable[[Any], Any] = action(detail=True, methods=["get"])
# The browser saves it, and whatever it is, runs nothing of it.
SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


class FileSerializer(ResourceSerializer):
    """A file as it is known; its content is at `/download`."""

    id = IdField("fil")
    name = FileNameField(help_text="What it is called when it is downloaded.")
    record_id = RecordField(
        required=False, allow_null=True, help_text="The record that it is attached to, of any kind."
    )

    class Meta:
        model = File
        fields = [
            "id", "name", "mime_type", "size", "sha256", "status", "bucket", "record_id", "created_at", "updated_at",
        ]  # fmt: skip


class UploadSerializer(FileSerializer):
    """A file to keep."""

    file = UploadField(
        help_text="The content, of at most 10 MB: PDF, PNG, JPEG, GIF, WebP, text, CSV, DOCX, XLSX, ODT."
    )
    name = FileNameField(required=False, help_text="What to call it; the part's own file name unless told.")
    record_id = RecordField(required=False, help_text="The record to attach it to, of any kind.")

    class Meta(FileSerializer.Meta):
        fields = ["file", *FileSerializer.Meta.fields]


class FileFilter(ResourceFilterSet):
    """What files can be filtered by."""

    id = IdFilter(prefix="fil")
    record_id = RecordFilter(field_name="record_id")

    class Meta:
        model = File
        fields = ["name", "mime_type", "size", "sha256", "status", "bucket", "created_at", "updated_at"]


class Download(FileResponse):
    """A file's content, piece by piece; what its headers say is known without opening it."""

    block_size = 64 * 1024

    def set_headers(self, filelike: Any) -> None:
        """Leave the headers as they are."""


class FileViewSet(TakesUpload, ResourceViewSet):
    """Documents and pictures, attached to any record. They stay when that is deleted; their content never changes."""

    resource, plural, prefix = "file", "files", "fil"
    model = File
    serializer_class = FileSerializer
    filterset_class = FileFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "name", "size", "mime_type")
    example = {
        "file": "plan.pdf",
        "name": "Plan.pdf",
        "mime_type": "application/pdf",
        "size": 48213,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "status": "ready",
        "bucket": "local",
    }
    emits = {
        "ready": "A scanner found nothing in the {file}: it can be downloaded.",
        "rejected": "A scanner found something in the {file}: it cannot be downloaded.",
    }

    @telling(takes=UploadSerializer, media=MULTIPART, fails=(409, 507))
    @one_write
    def create(self, request: Request) -> HttpResponse:
        """Upload a file.

        The body is `multipart/form-data`: the content in `file`, and what else is known of it in fields of their own.
        The type is told by the content alone, whatever the name says; HTML, SVG and programs are not taken.
        """
        data = self.validated(bind(UploadSerializer, self.contract), self.fields)
        return self.show(rules.create(data.pop("file"), data, actor=self.actor), status=201)

    def remove(self, record: File) -> None:
        rules.delete(record, actor=self.actor)

    @telling(sends=tuple(ALLOWED), fails=(409,))
    @get
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """Send the content of a record, to be saved under its name."""
        file = self.get_queryset().filter(pk=self.key(pk)).first()
        if file is None:
            raise Http404
        if file.status != Status.READY:
            raise Conflict(f"The {{file}} is {file.status}: only a ready one can be downloaded.", "status")
        known = request.headers.get("If-None-Match")
        if known and file.sha256 in known:
            return tagged(HttpResponse(), f'"{file.sha256}"', known)
        return Download(
            store.opened(file),
            content_type=file.mime_type,
            headers={
                **SAFE,
                "ETag": f'"{file.sha256}"',
                "Content-Length": str(file.size),
                "Content-Disposition": content_disposition_header(True, safe_name(file.name, file.mime_type)),
            },
        )
