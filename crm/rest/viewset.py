"""The base of every resource: one class declares it, and list, read, create, change, delete and history follow."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from zlib import crc32

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.decorators import action
from rest_framework.request import Request

from apikeys.errors import MissingScope
from apikeys.scopes import allows
from crm.rest import writes
from crm.rest.batch import Batches
from crm.rest.bodies import answer, tagged
from crm.rest.filters import refuse
from crm.rest.lists import Include, cursor_of, read_one, read_page, was_here
from crm.rest.metadata import describe
from crm.rest.pages import PageInvalid, Sort
from crm.rest.query import read_query, read_shape, single
from crm.rest.reading import Plan
from crm.rest.statements import Condition, Param
from crm.rest.view import ContractView
from crm.rest.writes import one_write
from tenants import ids

__all__ = ["Include", "ResourceViewSet", "listing"]

# Untyped: it is put on a method of a generic base, and the stubs do not foresee that.
listing: Callable[[Any], Any] = action(detail=True, methods=["get"])


class ResourceViewSet(Batches, ContractView):
    """A resource, declared: everything a contract needs to publish it follows from these attributes.

    `resource` is the singular name, `plural` the path and scope; `methods` leaves out what the resource does not offer.
    A resource that is one of a family has a `path` and a `scope_name` of its own; `scope_verbs` says which verb stands
    for one that has no scope.
    """

    resource: ClassVar[str]
    plural: ClassVar[str]
    prefix: ClassVar[str]
    path: ClassVar[str] = ""
    scope_name: ClassVar[str] = ""
    scope_verbs: ClassVar[Mapping[str, str]] = {}
    serializer_class: ClassVar[Any]
    filterset_class: ClassVar[Any]
    search_fields: ClassVar[tuple[str, ...]] = ()
    ordering_fields: ClassVar[tuple[str, ...]] = ("created_at", "updated_at")
    ordering: ClassVar[tuple[str, ...]] = ("-created_at",)
    includes: ClassVar[Mapping[str, Include]] = {}
    # What else can happen to a record than created, updated and deleted: the event's verb, and a sentence that says it.
    emits: ClassVar[Mapping[str, str]] = {}
    # What a new record may look like, in canonical names: the reference makes bodies and answers of it.
    example: ClassVar[Mapping[str, Any]] = {}
    methods: ClassVar[tuple[str, ...]] = ("list", "create", "retrieve", "update", "destroy")
    # A sentence that stands beside a new record, and what its deletion is called where that is not deleting.
    warning: ClassVar[str] = ""
    deletion: ClassVar[str] = "{one} deleted successfully"
    # The model's names for a record's version, and for when it was made and changed.
    version_field: ClassVar[str] = "version"
    moments: ClassVar[tuple[str, str]] = ("created_at", "updated_at")
    # What one record is read with, asked for or not; and whether its version tells all that can change of it.
    always: ClassVar[tuple[str, ...]] = ()
    versioned: ClassVar[bool] = True

    # For a resource that is a part of another one: whose records, scopes and events they are, and what makes the part.
    part_of: ClassVar[type["ResourceViewSet"] | None] = None
    only: ClassVar[Mapping[str, Any]] = {}

    # Filled in when the router binds the class to a contract.
    queryset: ClassVar[Any] = None
    plan: ClassVar[Plan]
    filters: ClassVar[Mapping[str, Any]]
    sorts: ClassVar[Mapping[str, tuple[str, bool]]]
    default_sort: ClassVar[tuple[Sort, ...]]
    siblings: ClassVar[Mapping[str, type["ResourceViewSet"]]]
    statements: ClassVar[dict[Any, Any]]

    @classmethod
    def scope(cls, action: str) -> str:
        """Return the scope that an action of the resource takes."""
        return f"{cls.scope_name or (cls.part_of or cls).plural}:{cls.scope_verbs.get(action, action)}"

    @classmethod
    def event_resource(cls) -> str:
        """Return the resource that the ledger names in the records' events."""
        return (cls.part_of or cls).resource

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
        printed = paging.print(page, **place, next_cursor=cursor)
        body = self.contract.envelope(data=[self.shown(row) for row in listed.rows], pagination=printed)
        return answer(body, headers=paging.headers(page, **place, path=request._request.path, query=params))

    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """Read one record."""
        query = read_shape(self, single(request._request.GET))
        found = read_one(self, query, self.key(pk))
        if found is None:
            raise Http404
        record, version = found
        response = answer(self.contract.envelope(data=self.shown(record)))
        # What is inside a record can change without its version: only the plain record is known by version alone.
        plain = self.versioned and not (query.fields or query.includes)
        mark = "" if plain else f"-{crc32(response.content):08x}"
        return tagged(response, f'"{version}{mark}"', request.headers.get("If-None-Match"))

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

    # A resource that answers such a call in its own way takes it one at a time.
    singles = {"create": create, "update": update, "delete": destroy}

    def gone(self, record: Any) -> HttpResponse:
        """Return what the contract says about a record that was deleted."""
        if self.contract.deleted_message:
            return answer(self.contract.envelope(message=self.deletion_message()))
        gone = {self.contract.wire("id"): ids.encode(self.prefix, record.pk), self.contract.wire("deleted"): True}
        return answer(self.contract.envelope(data=gone))

    @classmethod
    def deletion_message(cls) -> str:
        """Return what a contract says that answers deletions with a sentence."""
        return cls.deletion.format(one=cls.contract.word(cls.resource).replace("_", " ").capitalize())

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Say what this resource is and what the caller may do with it."""
        return answer(self.contract.envelope(data=describe(self)))

    @listing
    def events(self, request: Request, pk: str) -> HttpResponse:
        """List what happened to one record, in commit order."""
        key = self.key(pk)
        if "events" not in self.siblings or not was_here(self, key):
            raise Http404
        return self.list_of("events", Condition.of("record_id", key))

    # The documents learn from it whose records this action lists.
    events.lists = "events"

    def list_of(self, plural: str, *within: Condition) -> HttpResponse:
        """List another resource's records, those of them that are `within`; it takes that resource's read scope too."""
        other: Any = self.siblings[plural]()
        if not allows(self.credential.scopes, other.scope("read")):  # type: ignore[union-attr]
            raise MissingScope(other.scope("read"))
        other.credential, other.request, other.within = self.credential, self.request, within
        return other.list(self.request)  # type: ignore[no-any-return]

    # What a resource with rules of its own replaces.

    def make(self, data: dict[str, Any]) -> Any:
        """Create the record of validated `data` and return it."""
        record = self.model(**data, **self.only)
        self.settle(record)
        writes.create(record, actor=self.actor)
        return record

    # Who makes one in a way of its own says how it makes several, or makes them one by one.
    make.several = Batches.make_many  # type: ignore[attr-defined]

    def change(self, record: Any, data: dict[str, Any]) -> None:
        """Change the locked `record`."""
        with writes.changing(record, actor=self.actor):
            for name, value in data.items():
                setattr(record, name, value)
            self.settle(record)

    def settle(self, record: Any) -> None:
        """Put right, before the record is saved, what the server derives from its fields; most have nothing."""

    def remove(self, record: Any) -> None:
        """Delete the locked `record`."""
        writes.delete(record, actor=self.actor)

    def get_queryset(self) -> Any:
        """Return the rows of the caller's tenant, where every query starts."""
        return self.model.objects.of(self.tenant).filter(**self.only)

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
        return self.model.objects.of(Param("tenant")).filter(**self.only)

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a record that was read as it goes out; most go out as they are."""
        return row

    # What every record of this answer must be, where the answer is a part of another resource.
    within: tuple[Condition, ...] = ()

    def own_conditions(self) -> tuple[Condition, ...]:
        """Return the conditions of `within`, and those that depend on the caller's rights: most resources have none."""
        return self.within

    def show(self, record: Any, *, status: int = 200, **more: str) -> HttpResponse:
        """Return the record as it now is, with its version as ETag, and what `more` there is to say of it."""
        response = answer(self.contract.envelope(data=self.plan.of_instance(record), **more), status=status)
        response["ETag"] = f'"{record.version}"'
        if status == 201 and "retrieve" in self.methods:
            response["Location"] = f"{self.request._request.path.rstrip('/')}/{ids.encode(self.prefix, record.pk)}"
        return response
