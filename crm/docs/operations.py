"""One operation of the document, derived from a bound view and its action by drf-spectacular's hooks."""

from collections.abc import Sequence
from typing import Any

from crm.docs import answers, batches, names, parameters
from crm.docs.components import ComponentSchema
from crm.docs.examples import KEY, body_example, create_example, record_example, update_example, whole_example
from crm.docs.failures import STATUSES
from crm.docs.fields import REQUEST, RESPONSE, Schema
from crm.docs.samples import samples
from crm.rest.metadata import is_needed
from crm.rest.serializers import bind
from tenants import ids

__all__ = ["ContractSchema", "security"]


def security(kinds: Sequence[str], *, writes: bool) -> list[Schema]:
    """Return the ways to show a credential of one of these kinds; a session that writes shows its token too."""
    ways: dict[str, list[Schema]] = {
        "key": [{"bearer": []}, {"apiKey": []}],
        "session": [{"session": [], "csrf": []} if writes else {"session": []}],
    }
    return [way for kind in kinds for way in ways[kind]]


JSON = "application/json"


class ContractSchema(ComponentSchema):
    """What drf-spectacular asks about an operation, answered out of the view, its serializer and its contract."""

    method: str

    @property
    def path_of_record(self) -> bool:
        return "{id}" in self.path

    def sample_path(self) -> str:
        """Return the operation's path with the id of a made-up record."""
        return self.path.replace("{id}", ids.encode(self.view.prefix, KEY))

    def get_operation_id(self) -> str:
        return names.operation_id(self.view, self.method)

    def get_summary(self) -> str:
        return names.summary(self.view, self.method)

    def get_description(self) -> str:  # type: ignore[override]
        scopes = " and ".join(f"`{scope}`" for scope in self.scopes())
        return f"{names.described(self.view, self.method)}\n\nScope: {scopes}"

    def get_tags(self) -> list[str]:
        return [names.title(self.view.contract.word(self.view.plural))]

    def get_auth(self) -> list[Schema]:
        """Return the ways in, where they are not those that the document as a whole names."""
        view, writes = self.view, self.method != "GET"
        kinds = tuple(kind for kind in view.contract.credentials if kind in view.credentials)
        if kinds == view.contract.credentials and not (writes and "session" in kinds):
            return []
        return security(kinds, writes=writes)

    def get_extensions(self) -> Schema:
        return {"x-scopes": self.scopes(), "x-codeSamples": samples(self)}

    def scopes(self) -> list[str]:
        """Return the scopes that the operation takes, in the contract's words."""
        needed = [self.view.required_scopes[self.view.action]]
        if self.shown is not self.view:
            needed.append(self.shown.scope("read"))
        needed += filter(None, [self.told("also")])
        return [self.view.contract.scope(scope) for scope in dict.fromkeys(needed)]

    def told(self, name: str) -> Any:
        """Return what the action says about itself, None where it says nothing."""
        return getattr(getattr(self.view, self.view.action), name, None)

    @property
    def lists(self) -> str | None:
        """The resource whose records an extra action lists."""
        found: str | None = self.told("lists")
        return found

    @property
    def shown(self) -> Any:
        """The view whose records the operation shows."""
        return self.view.siblings[self.lists] if self.lists else self.view

    def is_deprecated(self) -> bool:
        return "Deprecation" in self.view.contract.headers

    def is_excluded(self) -> bool:
        """Tell whether the action lists what its contract does not publish: it is always a 404 there."""
        return self.lists is not None and self.lists not in self.view.siblings

    @property
    def is_list(self) -> bool:
        return self.view.action == "list" or self.shown is not self.view

    # Parameters.

    def _get_parameters(self) -> list[Schema]:
        path = [parameters.path_parameter(self.view)] if self.path_of_record else []
        if self.is_list:
            return [*path, *parameters.list_parameters(self.shown, [item["name"] for item in path])]
        if self.told("entry"):
            return [*path, *parameters.feed_parameters(self.view, self.told("asks") or ())]
        if self.method == "GET" and self.told("gives"):
            return [*path, *parameters.anywhere(self.view.contract)]
        if self.told("sends"):
            return [*path, *parameters.known_parameters(self.view)]
        if self.method == "GET":
            return [*path, *parameters.read_parameters(self.view)]
        named = [batches.reference_parameter(self.view)] if self.view.action == "upsert" else []
        record = self.path_of_record or bool(named)
        return [*path, *named, *parameters.write_parameters(self.view, record=record)]

    # The body.

    def body(self) -> tuple[Any, str, Schema]:
        """Return the serializer of the body (None without one), its component's name, and an example."""
        view, action = self.view, self.view.action
        one = names.pascal(view.contract.word(view.resource))
        if action == "create":
            takes = self.told("takes")
            serializer = bind(takes, view.contract)() if takes else view.serializer_class()
            return serializer, f"{one}Create", create_example(view)
        if action in ("update", "partial_update"):
            return view.serializer_class(partial=True), f"{one}Update", update_example(view)
        if action == "upsert":
            serializer = view.serializer_class()
            # Every field is there, and none is required where the record is.
            serializer.partial = bool(serializer.fields)
            return serializer, f"{one}Upsert", create_example(view)
        if action == "batch":
            return view.serializer_class(), f"{one}Batch", batches.batch_example(view)
        takes = self.told("takes")
        if takes is None:
            return None, "", {}
        serializer = bind(takes, view.contract)()
        return (
            serializer,
            f"{names.pascal(names.snake(self.get_operation_id()))}Input",
            body_example(serializer, getattr(takes, "example", None)),
        )

    def _get_request_body(self, direction: Any = REQUEST) -> Schema | None:
        if self.method not in ("POST", "PUT", "PATCH"):
            return None
        serializer, name, example = self.body()
        if serializer is None:
            return None
        if self.view.action == "batch":
            schema = self.share(name, batches.batch_schema(self.view))
        else:
            serializer.component = name
            schema = self.resolve_serializer(serializer, "request").ref
        kind: Any = type(serializer)
        needed = is_needed(kind) or self.view.action in ("update", "partial_update", "upsert", "batch")
        kinds = [self.told("media")] if self.told("media") else [item.media_type for item in self.view.get_parsers()]
        return {"content": {kind: {"schema": schema, "example": example} for kind in kinds}, "required": needed}

    # The answers.

    def _get_response_bodies(self, direction: Any = RESPONSE) -> Schema:
        gives = self.told("gives")
        found = {str(status): self.given(kind, status) for status, kind in gives.items()} if gives else {}
        found = found or (
            {"200": self.upserted(), "201": self.upserted("Location")} if self.view.action == "upsert" else {}
        )
        found = found or {self.success_status(): self.success()}
        if self.method == "GET" and not (self.is_list or self.told("entry") or gives):
            known = answers.headers(self.view.contract, "ETag")
            found["304"] = {"description": "You have the record as it is.", "headers": known}
        for status in sorted(self.failing()):
            found[str(status)] = {"$ref": f"#/components/responses/{STATUSES[status]}"}
        return found

    def success_status(self) -> str:
        return "201" if self.view.action == "create" else "200"

    def failing(self) -> set[int]:
        """Return the statuses of what can go wrong."""
        writes = answers.WRITE if self.method != "GET" else ()
        matched = (412,) if writes and self.path_of_record and self.view.versioned else ()
        addressed = (404,) if self.view.contract.address else ()
        bodies = answers.BODY if self.method in ("POST", "PUT", "PATCH") else ()
        return {
            *answers.ANY,
            *(self.told("fails") or ()),
            *(getattr(self.shown.list, "fails", ()) if self.is_list else ()),
            *addressed,
            *writes,
            *matched,
            *bodies,
            *(answers.RECORD if self.path_of_record else ()),
        }

    def success(self) -> Schema:
        if self.told("sends"):
            return self.sent()
        if self.view.action == "destroy":
            schema, example, more = self.deleted()
        elif self.is_list:
            schema, example, more = self.listed()
        elif self.told("entry"):
            schema, example, more = self.fed()
        elif self.view.action == "batch":
            schema, example, more = self.batched()
        else:
            schema, example, more = self.single()
        more = (*more, "Idempotent-Replayed") if self.method != "GET" else more
        return self.answered(schema, example, more)

    def answered(self, schema: Schema, example: Any, more: Sequence[str]) -> Schema:
        return {
            "description": self.get_summary() + ".",
            "headers": answers.headers(self.view.contract, *more),
            "content": {JSON: {"schema": schema, "example": example}},
        }

    def given(self, kind: Any, status: int) -> Schema:
        """Return an answer that is not the record: another resource's, named by its plural, or a shape."""
        contract, example = self.view.contract, {}
        if isinstance(kind, str):
            other = self.view.siblings[kind]
            (name, shape), example = self.record(other), record_example(other)
        else:
            serializer = bind(kind, contract)()
            component = self.resolve_serializer(serializer, "response")
            example = whole_example(serializer, getattr(kind, "example", None))
            name, shape = component.name, component.ref
        schema = self.share(f"{name}Response", answers.enveloped(contract, f"One {name}.", data=shape))
        made = status == 201 and self.view.action == "create"
        return self.answered(schema, contract.envelope(data=example), ("ETag", "Location") if made else ())

    def sent(self) -> Schema:
        """Return the answer that is no JSON."""
        return {
            "description": self.get_summary() + ".",
            "headers": answers.headers(self.view.contract, "ETag", "Content-Disposition"),
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in self.told("sends")},
        }

    def deleted(self) -> tuple[Schema, Any, tuple[str, ...]]:
        return {"$ref": "#/components/schemas/DeletedResponse"}, answers.deleted_example(self.view), ()

    def single(self) -> tuple[Schema, Any, tuple[str, ...]]:
        name, record = self.record(self.view)
        contract = self.view.contract
        example = contract.envelope(data=record_example(self.view))
        if self.view.action == "create" and self.view.warning:
            return *self.warned(name, record, example), ()
        schema = self.share(f"{name}Response", answers.enveloped(contract, f"One {name}.", data=record))
        found = self.view.action == "create" and "retrieve" in self.view.methods
        tag = ("ETag",) if self.method == "GET" or self.view.versioned else ()
        more = (*tag, "Location") if found else tag
        return schema, example, more

    def batched(self) -> tuple[Schema, Any, tuple[str, ...]]:
        name, record = self.record(self.view)
        schema = self.share(f"{name}BatchResults", batches.results(self.view, record))
        return schema, batches.results_example(self.view), ()

    def upserted(self, *more: str) -> Schema:
        """Return the answer that says what an upsert did."""
        name, record = self.record(self.view)
        schema, example = batches.upserted(self.view, record)
        return self.answered(self.share(f"{name}Upserted", schema), example, ("ETag", *more, "Idempotent-Replayed"))

    def warned(self, name: str, record: Schema, example: Any) -> tuple[Schema, Any]:
        """Return the answer to a new record that comes with a warning."""
        contract = self.view.contract
        word, told = contract.wire("warning"), f"A new {name}, with a warning."
        text = {"type": "string", "description": "What to know about the new record now, and never again."}
        whole = answers.enveloped(contract, told, data=record, **{word: text})
        return self.share(f"{name}CreatedResponse", whole), {**example, word: self.view.warning}

    def listed(self) -> tuple[Schema, Any, tuple[str, ...]]:
        contract = self.view.contract
        name, record = self.record(self.shown)
        page = answers.page_schema(self.shown)
        whole = answers.enveloped(
            contract, f"A page of {name}.", data={"type": "array", "items": record}, pagination=page
        )
        example = contract.envelope(data=[record_example(self.shown)], pagination=answers.pagination(contract)[1])
        return self.share(f"{name}ListResponse", whole), example, answers.page_headers(contract)

    def fed(self) -> tuple[Schema, Any, tuple[str, ...]]:
        """Return the page of a feed: entries that are no records, and a place that only a cursor can name."""
        contract = self.view.contract
        entry = bind(self.told("entry"), contract)()
        shape = self.resolve_serializer(entry, "response")
        page, place = answers.feed_pagination(contract, counted=bool(self.told("counted")))
        rows = {"type": "array", "items": shape.ref}
        whole = answers.enveloped(contract, f"A page of {shape.name}.", data=rows, pagination=page)
        example = contract.envelope(data=[whole_example(entry, self.told("entry").example)], pagination=place)
        return self.share(f"{shape.name}ListResponse", whole), example, ()
