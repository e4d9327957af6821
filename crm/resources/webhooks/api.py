"""Webhooks on the wire: endpoints with their secrets, tests, deliveries, gaps and replays."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request

from apikeys.claims import OnceResponse
from crm.errors import Conflict
from crm.resources.webhooks import rules
from crm.resources.webhooks.deliveries import DeliveryViewSet, ReplayViewSet
from crm.resources.webhooks.fields import AddressField, EventsField, HeadersField
from crm.resources.webhooks.shapes import (
    EnableSerializer,
    GapSerializer,
    PreviewSerializer,
    ReplaySerializer,
    RotateSerializer,
    StatsSerializer,
)
from crm.rest.bodies import answer, dumps
from crm.rest.fields import IdField, OpaqueField, StrictChar
from crm.rest.filters import IdFilter, MomentField, ResourceFilterSet, refuse
from crm.rest.metadata import telling
from crm.rest.pages import Cursor, PageInvalid, Sort, limit_of
from crm.rest.query import single
from crm.rest.serializers import ResourceSerializer, bind
from crm.rest.statements import Condition
from crm.rest.viewset import ResourceViewSet, listing
from crm.rest.writes import command, one_write
from tenants import ids
from webhooks import endpoints, history
from webhooks.models import Delivery, Endpoint, Replay

__all__ = ["WebhookViewSet"]

get: Callable[[Any], Any] = action(detail=True, methods=["get"])
gets_stats: Callable[[Any], Any] = action(detail=True, methods=["get"], url_path="stats")
EXAMPLE = {
    "url": "https://example.com/hooks/kith",
    "description": "Our bookkeeping",
    "events": ["invoice.*", "payment.succeeded"],
    "headers": {"X-Team": "***"},
    "maker": "Bookkeeping (kith_live_4fT9aB2c…9fQ2)",
}
COMMITTED = (Sort("txid"), Sort("id"))
ONCE = (
    "The first answer to this Idempotency-Key held the secret of {id}, which is shown once. Read it with POST …/secret/"
    "reveal, or make a new one with POST …/secret/rotate."
)


class WebhookSerializer(ResourceSerializer):
    """An address that is told what happens."""

    id = IdField("whk")
    url = AddressField(
        max_length=2048,
        help_text="Where events are posted: https, reachable from the internet. Who sets it becomes the {maker}.",
    )
    events = EventsField(
        allow_empty=False,
        help_text="Which events are sent: types like invoice.paid, all of a kind like invoice.*, or * for all that the "
        "{maker} may read. Who sets them becomes the {maker}.",
    )
    headers = HeadersField(
        source="headers_sealed",
        required=False,
        help_text="Headers that go with each delivery. Values are shown as ***, and *** leaves a value as it is.",
    )
    metadata = OpaqueField(required=False, help_text="Anything of your own, at most 64 KB; it is kept and never sent.")
    maker = StrictChar(
        source="maker_label",
        read_only=True,
        help_text="Whose rights it has, whoever last set {url} or {events}: it hears what they could read then.",
    )

    class Meta:
        model = Endpoint
        fields = [
            "id", "url", "description", "events", "active", "headers", "metadata", "ordered", "signing", "public_key",
            "contract", "maker", "disabled_reason", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["public_key", "contract", "disabled_reason"]
        fixed = ["signing"]


class WebhookWithSecretSerializer(WebhookSerializer):
    """An address that is told what happens, with its secret, which is shown once."""

    secret = StrictChar(
        read_only=True, allow_null=True, help_text="What signatures are verified with; null where a public key is."
    )

    example = {**EXAMPLE, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class WebhookFilter(ResourceFilterSet):
    """What webhooks can be filtered by."""

    id = IdFilter(prefix="whk")

    class Meta:
        model = Endpoint
        fields = ["url", "description", "active", "ordered", "signing", "created_at", "updated_at"]


class WebhookViewSet(ResourceViewSet):
    """Addresses that are told what happens, within seconds, signed by Standard Webhooks, and again until they answer.

    A webhook hears what its maker may read, in the words of the API that it was made on. GET /event-types lists what
    there is to hear.
    """

    resource, plural, prefix = "webhook", "webhooks", "whk"
    model = Endpoint
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    ordering_fields = ("created_at", "updated_at", "url")
    example = EXAMPLE
    emits = {
        "enabled": "The {webhook} was switched on.",
        "disabled": "The {webhook} was switched off; {disabled_reason} says why, where Kith did it.",
    }

    # The secret of what make() made.
    secret = ""

    @telling(gives={201: WebhookWithSecretSerializer}, fails=(409,))
    @one_write
    def create(self, request: Request) -> HttpResponse:
        """Create a record, and show its secret this once."""
        record = self.make(self.read_body(self.serializer_class))
        return self.show_once(record, self.secret, status=201)

    def make(self, data: dict[str, Any]) -> Endpoint:
        """Create an endpoint that hears what the caller may read."""
        endpoint = Endpoint(contract=self.contract.name)
        self.fill(endpoint, data)
        self.secret = endpoints.create(endpoint, actor=self.actor)
        return endpoint

    def change(self, record: Endpoint, data: dict[str, Any]) -> None:
        """Change an endpoint; whoever sets its address or events is its maker from then on."""
        with endpoints.changing(record, actor=self.actor):
            self.fill(record, data)

    def remove(self, record: Endpoint) -> None:
        endpoints.delete(record, actor=self.actor)

    def fill(self, endpoint: Endpoint, data: dict[str, Any]) -> None:
        """Put validated fields into an endpoint."""
        assert self.credential is not None
        if "events" in data:
            data = data | {"events": rules.read_patterns(self, data["events"])}
        headers = data.pop("headers_sealed", None)
        for name, value in data.items():
            setattr(endpoint, name, value)
        if headers is not None:
            endpoints.hide_headers(endpoint, headers)
        # Who points it elsewhere must not hear there what only somebody else may read.
        if {"url", "events"} & data.keys():
            rules.check_reach(self, endpoint.events, self.credential.scopes)
            rules.take_over(endpoint, credential=self.credential, actor=self.actor)

    def show_once(self, record: Endpoint, secret: str, *, status: int = 200) -> HttpResponse:
        """Return the endpoint with its secret; a private key is nobody's but ours."""
        shown = secret if record.signing == Endpoint.Signing.HMAC else None
        data = self.plan.of_instance(record) | {self.contract.wire("secret"): shown}
        usual = self.show(record, status=status)
        headers = {name: value for name, value in usual.items() if name in ("ETag", "Location")}
        return OnceResponse(
            dumps(self.contract.envelope(data=data)),
            instead=ONCE.format(id=ids.encode(self.prefix, record.pk)),
            status=status,
            headers=headers,
            content_type="application/json",
        )

    # Commands.

    @telling(gives={200: "deliveries"}, fails=(409,))
    @command(event=None)
    def test(self, endpoint: Endpoint) -> HttpResponse:
        """Send a record a ping, at most 10 in a minute.

        It goes the way of every delivery, signed and tried again; GET /deliveries/{id} tells what became of it.
        """
        return self.show_as("deliveries", rules.test(endpoint, actor=self.actor))

    @command(event="enabled", takes=EnableSerializer)
    def enable(self, endpoint: Endpoint, pending: str) -> None:
        """Switch a record on. What waited is sent now, or given up."""
        endpoints.enable(endpoint, actor=self.actor, skip=pending == "skip")

    @command(event="disabled")
    def disable(self, endpoint: Endpoint) -> None:
        """Switch a record off. What waits is kept."""
        endpoints.disable(endpoint, actor=self.actor)

    @telling(gives={200: WebhookWithSecretSerializer}, right="admin")
    @command(event=None, path="secret/rotate", takes=RotateSerializer)
    def rotate_secret(self, endpoint: Endpoint, grace_seconds: int) -> HttpResponse:
        """Make a new secret and show it this once; deliveries are signed with the old one too for a while."""
        secret = endpoints.rotate(endpoint, actor=self.actor, grace=timedelta(seconds=grace_seconds))
        return self.show_once(endpoint, secret)

    @telling(gives={200: WebhookWithSecretSerializer}, right="admin", fails=(409,))
    @command(event=None, path="secret/reveal")
    def reveal_secret(self, endpoint: Endpoint) -> HttpResponse:
        """Show a record's secret; the audit log keeps who has seen it."""
        if endpoint.signing != Endpoint.Signing.HMAC:
            raise Conflict("It has no secret to share: verify with its {public_key}.", "signing")
        return self.show_once(endpoint, endpoints.reveal(endpoint, actor=self.actor))

    @telling(gives={200: PreviewSerializer, 202: "replays"}, fails=(409,))
    @command(event=None, takes=ReplaySerializer)
    def replay(self, endpoint: Endpoint, dry_run: bool, events: list[str] | None = None, **window: Any) -> HttpResponse:
        """Send the events of a window again, at most 10,000, in a job that GET /replays/{id} tells of.

        With {dry_run} nothing is sent, and the answer tells how many events it would be, and which.
        """
        chosen = window | {"events": rules.read_patterns(self, events or [])}
        if not dry_run:
            return self.show_as("replays", rules.start_replay(endpoint, actor=self.actor, **chosen), status=202)
        total, found = rules.preview(endpoint, **chosen)
        wire = self.contract.wire
        first = [
            {"id": ids.encode("evt", event.pk), "type": self.contract.event(event.type),
             wire("occurred_at"): event.occurred_at}
            for event in found
        ]  # fmt: skip
        return answer(self.contract.envelope(data={"total": total, wire("events"): first}))

    def show_as(self, plural: str, record: Delivery | Replay, *, status: int = 200) -> HttpResponse:
        """Return a record of another resource."""
        other: Any = self.siblings[plural]()
        return other.show(record, status=status)  # type: ignore[no-any-return]

    # Readings.

    @listing
    def deliveries(self, request: Request, pk: str) -> HttpResponse:
        """List what was sent to a record, the newest first."""
        return self.list_of("deliveries", Condition.of("endpoint_id", self.found(pk).pk))

    deliveries.lists = DeliveryViewSet.plural

    @listing
    def replays(self, request: Request, pk: str) -> HttpResponse:
        """List the jobs that send a record's events again."""
        return self.list_of("replays", Condition.of("endpoint_id", self.found(pk).pk))

    replays.lists = ReplayViewSet.plural

    @telling(gives={200: StatsSerializer})
    @gets_stats
    def health(self, request: Request, pk: str) -> HttpResponse:
        """Tell how a record was answered in the last 24 hours, and how it stands."""
        check_known(self, request, ())
        figures: dict[str, Any] = asdict(history.stats(self.found(pk)))
        ended = figures["attempts"]
        figures["success_rate"] = f"{figures['succeeded'] / ended:.4f}" if ended else None
        return answer(self.contract.envelope(data=bind(StatsSerializer, self.contract)().to_representation(figures)))

    @telling(entry=GapSerializer, counted=True, asks=("since",))
    @get
    def gaps(self, request: Request, pk: str) -> HttpResponse:
        """List the events that a record asks for and has not acknowledged, in commit order.

        It looks back to `since`, by default to when the record was made, and 30 days at most. An empty list proves
        that everything has arrived.
        """
        params = check_known(self, request, ("since", "limit", "cursor"))
        endpoint = self.found(pk)
        places = Cursor(COMMITTED, f"{self.tenant.id}:gaps:{endpoint.pk}:{params.get('since')}")
        try:
            limit = limit_of(params)
            after = places.decode(params["cursor"]) if "cursor" in params else None
        except PageInvalid as error:
            raise refuse(error.name, str(error), code="VALIDATION_ERROR") from error
        found = history.gaps(endpoint, since=moment(params.get("since")))
        rows = found.filter(places.condition(after)) if after else found
        names = ("id", "type", "occurred_at", "state", "txid")
        page = list(rows.values(*names)[: limit + 1])
        more, page = len(page) > limit, page[:limit]
        last = [page[-1]["txid"], str(page[-1]["id"])] if more else None
        place = {
            "total": found.count(), "limit": limit, "has_more": more, "next_cursor": last and places.encode(last),
        }  # fmt: skip
        shape, wire = bind(GapSerializer, self.contract)(), self.contract.wire
        gaps = [
            shape.to_representation(
                row | {"id": ids.encode("evt", row["id"]), "type": self.contract.event(row["type"])}
            )
            for row in page
        ]
        printed = {wire(name): value for name, value in place.items()}
        return answer(self.contract.envelope(data=gaps, pagination=printed))

    def found(self, pk: str) -> Endpoint:
        """Return the endpoint of a path; raise Http404."""
        endpoint: Endpoint | None = self.get_queryset().filter(pk=self.key(pk)).first()
        if endpoint is None:
            raise Http404
        return endpoint


def check_known(view: Any, request: Request, names: tuple[str, ...]) -> dict[str, str]:
    """Return the query's parameters; raise a 400 for one that is none of `names`."""
    params = single(request._request.GET)
    known = [view.contract.wire(name) if name == "since" else name for name in names]
    if unknown := [name for name in params if name not in known]:
        raise refuse(unknown[0], f"Unknown parameter. Known: {', '.join(known) or 'none'}.", code="VALIDATION_ERROR")
    return {name: params[spoken] for name, spoken in zip(names, known, strict=True) if spoken in params}


def moment(text: str | None) -> Any:
    """Return the time of a parameter."""
    try:
        return text and MomentField().clean(text)
    except ValidationError as error:
        raise refuse("since", " ".join(error.messages), code="VALIDATION_ERROR") from error
