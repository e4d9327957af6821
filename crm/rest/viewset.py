"""The base of every resource: one class declares it, and list, read, create, change, delete and history follow."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from zlib import crc32

from django.db.models import Q
from django.http import Http404, HttpResponse
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from apikeys.errors import MissingScope
from apikeys.scopes import allows
from crm.rest import writes
from crm.rest.bodies import answer
from crm.rest.filters import refuse
from crm.rest.lists import Include, cursor_of, read_one, read_page
from crm.rest.metadata import describe
from crm.rest.pages import PageInvalid, Sort
from crm.rest.query import read_query, read_shape, single
from crm.rest.reading import Param, Plan
from crm.rest.view import ContractView
from crm.rest.writes import one_write
from tenants import ids

__all__ = ["Include", "ResourceViewSet"]


# Untyped: it is put on a method of a generic base, and the stubs do not foresee that.
history: Callable[[Any], Any] = action(detail=True, methods=["get"])


class ResourceViewSet(ContractView):
    """A resource, declared: everything a contract needs to publish it follows from these attributes.

    `resource` is the singular name, `plural` the path and scope; `methods` leaves out what the resource does not offer.
    """

    resource: ClassVar[str]
    plural: ClassVar[str]
    prefix: ClassVar[str]
    serializer_class: ClassVar[Any]
    filterset_class: ClassVar[Any]
    search_fields: ClassVar[tuple[str, ...]] = ()
    ordering_fields: ClassVar[tuple[str, ...]] = ("created_at", "updated_at")
    ordering: ClassVar[tuple[str, ...]] = ("-created_at",)
    includes: ClassVar[Mapping[str, Include]] = {}
    # What a new record may look like, in canonical names: the reference makes bodies and answers of it.
    example: ClassVar[Mapping[str, Any]] = {}
    methods: ClassVar[tuple[str, ...]] = ("list", "create", "retrieve", "update", "destroy")
    # The verbs of scopes, by action, where they are not the usual ones.
    verbs: ClassVar[Mapping[str, str]] = {}
    # A sentence that stands beside a new record, and what its deletion is called where that is not deleting.
    warning: ClassVar[str] = ""
    deletion: ClassVar[str] = "{one} deleted successfully"
    # The model's names for a record's version, and for when it was made and changed.
    version_field: ClassVar[str] = "version"
    moments: ClassVar[tuple[str, str]] = ("created_at", "updated_at")

    # Filled in when the router binds the class to a contract.
    queryset: ClassVar[Any] = None
    plan: ClassVar[Plan]
    filters: ClassVar[Mapping[str, Any]]
    sorts: ClassVar[Mapping[str, tuple[str, bool]]]
    default_sort: ClassVar[tuple[Sort, ...]]
    siblings: ClassVar[Mapping[str, type["ResourceViewSet"]]]
    statements: ClassVar[dict[Any, Any]]

    def list(self, request: Request) -> HttpResponse:
        """List the records that match, a page at a time."""
        params = single(request._request.GET)
        query = read_query(self, params)
        paging = self.contract.paging
        try:
            page = paging.read(params, self.contract)
            listed = read_page(self, query, page, params.get("cursor"))
        except PageInvalid as error:
            raise refuse(error.name, str(error), code="VALIDATION_ERROR") from error
        cursor = cursor_of(self, query).encode(listed.last) if listed.more and listed.last else None
        place: dict[str, Any] = {"total": listed.total, "more": listed.more}
        body = {"success": True, "data": listed.rows, "pagination": paging.print(page, **place, next_cursor=cursor)}
        return answer(body, headers=paging.headers(page, **place, path=request._request.path, query=params))

    def retrieve(self, request: Request, pk: str) -> HttpResponse:
        """Read one record."""
        query = read_shape(self, single(request._request.GET))
        found = read_one(self, query, self.key(pk))
        if found is None:
            raise Http404
        record, version = found
        response = answer({"success": True, "data": record})
        # What is inside a record can change without its version: only the plain record is known by version alone.
        mark = f"-{crc32(response.content):08x}" if query.fields or query.includes else ""
        return self.tagged(response, f'"{version}{mark}"', request.headers.get("If-None-Match"))

    @one_write
    def create(self, request: Request) -> HttpResponse:
        """Create a record."""
        record = self.make(self.read_body(self.serializer_class))
        return self.show(record, status=201)

    @one_write
    def update(self, request: Request, pk: str) -> HttpResponse:
        """Change the fields that are sent; the others stay."""
        record = self.get_locked(pk)
        self.change(record, self.read_body(self.serializer_class, record))
        return self.show(record)

    partial_update = update

    @one_write
    def destroy(self, request: Request, pk: str) -> HttpResponse:
        """Delete a record for good."""
        record = self.get_locked(pk)
        self.remove(record)
        return self.gone(record)

    def gone(self, record: Any) -> HttpResponse:
        """Return what the contract says about a record that was deleted."""
        if self.contract.deleted_message:
            return answer({"success": True, "message": self.deletion_message()})
        gone = {self.contract.wire("id"): ids.encode(self.prefix, record.pk), self.contract.wire("deleted"): True}
        return answer({"success": True, "data": gone})

    @classmethod
    def deletion_message(cls) -> str:
        """Return what a contract says that answers deletions with a sentence."""
        return cls.deletion.format(one=cls.contract.word(cls.resource).replace("_", " ").capitalize())

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Say what this resource is and what the caller may do with it."""
        return answer({"success": True, "data": describe(self)})

    @history
    def events(self, request: Request, pk: str) -> HttpResponse:
        """List what happened to one record, in commit order."""
        feed: Any = self.siblings["events"]() if "events" in self.siblings else None
        key = self.key(pk)
        if feed is None or not self.was_here(key, feed.model):
            raise Http404
        if not allows(self.credential.scopes, "events:read"):  # type: ignore[union-attr]
            raise MissingScope("events:read")
        feed.credential, feed.request, feed.record = self.credential, request, key
        return feed.list(request)  # type: ignore[no-any-return]

    # The documents learn from it whose records this action lists.
    events.lists = "events"

    def was_here(self, key: Any, events: Any) -> bool:
        """Tell whether the record is there, or was: a deleted one keeps its history."""
        rows: tuple[Any, ...] = (
            self.get_queryset().filter(pk=key),
            events.objects.of(self.tenant).filter(record_id=key, resource=self.resource),
        )
        return any(found.exists() for found in rows)

    # What a resource with rules of its own replaces.

    def make(self, data: dict[str, Any]) -> Any:
        """Create the record of validated `data` and return it."""
        record = self.model(**data)
        writes.create(record, actor=self.actor)
        return record

    def change(self, record: Any, data: dict[str, Any]) -> None:
        """Change the locked `record`."""
        with writes.changing(record, actor=self.actor):
            for name, value in data.items():
                setattr(record, name, value)

    def remove(self, record: Any) -> None:
        """Delete the locked `record`."""
        writes.delete(record, actor=self.actor)

    # Reading.

    def get_queryset(self) -> Any:
        """Return the rows of the caller's tenant, where every query starts."""
        return self.model.objects.of(self.tenant)

    def key(self, pk: str) -> Any:
        """Return the UUID of an id in a path; what cannot be one is not found."""
        try:
            return ids.decode(self.prefix, pk)
        except ids.InvalidId as error:
            raise Http404 from error

    def get_locked(self, pk: str) -> Any:
        """Return the record for change, locked, at the version the caller expects; raise Http404 or a 412."""
        record = self.get_queryset().select_for_update().filter(pk=self.key(pk)).first()
        if record is None:
            raise Http404
        writes.hold(record)
        writes.check_match(self.request.headers.get("If-Match"), record)
        return record

    def base_rows(self) -> Any:
        """Return the rows that compiled reads start from; the tenant is a parameter."""
        return self.model.objects.of(Param("tenant"))

    def own_conditions(self) -> tuple[Q, ...]:
        """Return conditions that depend on the caller's rights; most resources have none."""
        return ()

    # Bodies and answers.

    def read_body(self, kind: Any, record: Any = None) -> dict[str, Any]:
        """Return the validated body under canonical names; without a serializer the body must be empty."""
        data = self.request.data
        if kind is None:
            kind = serializers.Serializer
            if isinstance(data, dict) and data:
                raise serializers.ValidationError({name: ["This command takes no body."] for name in data})
        elif not self.request._request.body:
            raise refuse("body", "Missing: send a JSON object.", code="VALIDATION_ERROR")
        serializer = kind(
            record, data=data, partial=record is not None, context={"tenant": self.tenant, "contract": self.contract}
        )
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def show(self, record: Any, *, status: int = 200) -> HttpResponse:
        """Return the record as it now is, with its version as ETag."""
        response = answer({"success": True, "data": self.plan.of_instance(record)}, status=status)
        response["ETag"] = f'"{record.version}"'
        if status == 201:
            response["Location"] = f"{self.request._request.path.rstrip('/')}/{ids.encode(self.prefix, record.pk)}"
        return response

    def tagged(self, response: HttpResponse, etag: str, known: str | None) -> HttpResponse:
        """Return the response with its ETag, or a 304 when the caller has that one."""
        if known and {"*", etag} & {item.strip().removeprefix("W/") for item in known.split(",")}:
            response = HttpResponse(status=304)
            del response["Content-Type"]
        response["ETag"] = etag
        return response
