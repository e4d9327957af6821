"""API keys on the wire: for members with a session, never for keys themselves."""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from apikeys.errors import ClaimMalformed
from apikeys.issuing import issue, revoke
from apikeys.models import ApiKey
from apikeys.roles import exceeding
from crm.errors import Problem, Refusal
from crm.resources.keys.fields import EndField, MaskedField, NetworksField, ScopesField, spoken
from crm.rest.bodies import answer
from crm.rest.fields import IdField, StrictChar, StrictChoice
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer
from crm.rest.statements import Param
from crm.rest.viewset import ResourceViewSet
from crm.rest.writes import one_write
from tenants.models import Environment
from tenants.scope import staff_scope

__all__ = ["KeyViewSet"]

UNREPEATABLE = "A new key is shown once and kept nowhere, so no answer can be replayed: send no Idempotency-Key here."


class KeySerializer(ResourceSerializer):
    """A key of the organization."""

    id = IdField("key")
    name = StrictChar(max_length=100, help_text="What the key is for; it stands in the audit log.")
    key = MaskedField(help_text="The key's beginning and its last four characters.")
    scopes = ScopesField(help_text="What the key may do; nothing that you may not do yourself.")
    environment = StrictChoice(
        list(Environment), default=Environment.LIVE, help_text="The side whose records it sees: live or test."
    )
    allowed_networks = NetworksField(
        required=False, help_text="Networks like 203.0.113.0/24 that it works from; none: from anywhere."
    )
    last_used_at = serializers.DateTimeField(read_only=True, help_text="When it was last used, to the minute.")
    expires_at = EndField(required=False, allow_null=True, help_text="When it ends by itself; null: never.")

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "key", "scopes", "environment", "allowed_networks", "created_at", "last_used_at",
            "expires_at",
        ]  # fmt: skip
        read_only_fields = ["created_at"]
        extra_kwargs = {"created_at": {"help_text": "When it was issued."}}


class KeyFilter(ResourceFilterSet):
    """What keys can be filtered by."""

    id = IdFilter(prefix="key")

    class Meta:
        model = ApiKey
        fields = ["name", "environment", "created_at", "last_used_at", "expires_at"]


class KeyViewSet(ResourceViewSet):
    """The organization's API keys, live and test, without the revoked ones. A session opens it, a key never does.

    Whoever reads may read this list; owners and admins issue and revoke. The whole key is in the answer that issues it,
    this once, which is why no Idempotency-Key is taken there.
    """

    resource, plural, prefix = "key", "keys", "key"
    model = ApiKey
    credentials = ("session",)
    # Keys are secrets: no role holds this but those that may issue.
    scope_verbs = {"write": "admin", "delete": "admin"}
    serializer_class = KeySerializer
    filterset_class = KeyFilter
    ordering_fields = ("created_at", "name", "last_used_at", "expires_at")
    methods = ("list", "create", "destroy")
    moments = ("created_at", "created_at")
    warning = "Save this key securely. It will not be shown again."
    deletion = "API key revoked successfully"
    example = {
        "name": "Mobile App Key",
        "key": "kith_live_4fT9aB2c…9fQ2",
        "scopes": ["read", "write"],
        "allowed_networks": [],
        "expires_at": "2099-01-01T00:00:00Z",
    }
    # The audit log has its history.
    events: Any = None

    def get_queryset(self) -> Any:
        return ApiKey.objects.of_both_sides(self.tenant).standing()

    def base_rows(self) -> Any:
        return ApiKey.objects.of_both_sides(Param("tenant")).standing()

    @one_write
    def create(self, request: Request) -> HttpResponse:
        """Issue a key, and show it this once."""
        if "Idempotency-Key" in request.headers:
            raise ClaimMalformed(UNREPEATABLE)
        data = self.read_body(self.serializer_class)
        self.check_grant(data["scopes"])
        side = self.tenant if data.pop("environment") == Environment.LIVE else self.tenant.sandbox
        member: Any = self.credential
        # The role of the API may read keys, and make none.
        with staff_scope():
            key, plaintext = issue(tenant=side, actor=replace(self.actor, tenant=side), user=member.user, **data)
        shown = self.plan.of_instance(key) | {self.contract.wire("key"): plaintext}
        body = self.contract.envelope(data=shown) | {self.contract.wire("warning"): self.warning}
        return answer(body, status=201, headers={"Cache-Control": "no-store"})

    @one_write
    def destroy(self, request: Request, pk: str) -> HttpResponse:
        """Revoke a key: the next request with it is refused."""
        with staff_scope():
            rows = self.get_queryset().select_related("tenant").select_for_update(of=("self",))
            key = rows.filter(pk=self.key(pk)).first()
            if key is None:
                raise Http404
            revoke(key, actor=replace(self.actor, tenant=key.tenant))
        return self.gone(key)

    def check_grant(self, scopes: list[str]) -> None:
        """Refuse scopes that the member does not hold."""
        assert self.credential is not None
        if beyond := [spoken(scope, self.contract) for scope in exceeding(self.credential.scopes, scopes)]:
            message = f"Your role does not allow {', '.join(beyond)}, so no key of yours may have it."
            raise Refusal(Problem(403, "INVALID_SCOPE", message, {}, {"required_scope": beyond[0]}))
