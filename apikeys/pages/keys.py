"""Settings, API keys: list, issue, rotate, revoke, each bounded to the organization of the desk."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from apikeys.forms import USED, IssueForm, RotateForm, scope_choices
from apikeys.issuing import renew, revoke
from apikeys.models import ApiKey
from apikeys.pages.desk import Desk, member_page
from apikeys.roles import exceeding
from apikeys.scopes import normalise
from apikeys.secret import shown_once
from tenants import ids
from tenants.models import Tenant
from tenants.staff import actor_of

__all__ = ["MemberIssueForm", "issue_page", "list_page", "revoke_page", "rotate_page"]

ON_A_PAGE = 50
REVOKED = "{} is revoked: the next request with it is refused."
takes_form = require_http_methods(["GET", "HEAD", "POST"])


class MemberIssueForm(IssueForm):
    """A new key for the organization of the desk; it offers what the member may grant."""

    def __init__(self, desk: Desk, data: Any = None) -> None:
        super().__init__(data)
        self.desk = desk
        # Offered only; clean() refuses the rest whatever the page showed.
        self.fields["scopes"].choices = offered(desk.held)  # type: ignore[attr-defined]

    @property
    def live(self) -> Tenant:
        return self.desk.tenant

    def beyond(self, scopes: Collection[str]) -> list[str]:
        return exceeding(self.desk.held, normalise(scopes))


def offered(held: Collection[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the tick boxes of the scopes that `held` cover."""
    groups = [
        (label, [choice for choice in choices if not exceeding(held, normalise([choice[0]]))])
        for label, choices in scope_choices()
    ]
    return [(label, choices) for label, choices in groups if choices]


@require_safe
@member_page
def list_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List the keys, newest first; those that are over when asked for."""
    keys = ApiKey.objects.of_both_sides(desk.tenant)
    over = "revoked" in request.GET
    page = Paginator(keys if over else keys.standing(), ON_A_PAGE).get_page(request.GET.get("page"))
    shown = {"desk": desk, "page": page, "over": over, "any_over": over or keys.count() > page.paginator.count}
    return render(request, "settings/keys.html", shown)


@takes_form
@member_page
def issue_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the form, or issue the key and show that, once."""
    if not desk.may_issue:
        return refused(request, desk)
    form = MemberIssueForm(desk, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "settings/issue.html", {"desk": desk, "form": form})
    if issued := form.issue(request):
        return shown_once(request, "settings/secret.html", *issued, desk=desk)
    messages.warning(request, USED)
    return desk.redirect("settings-keys")


@takes_form
@member_page
def rotate_page(request: HttpRequest, desk: Desk, key_id: str) -> HttpResponse:
    """Ask how long the old key lives on, then issue its successor and show that, once."""
    key, form = key_of(desk, key_id), RotateForm(request.POST or None)
    if not desk.may_issue or exceeding(desk.held, key.scopes):
        return refused(request, desk, key)
    if request.method != "POST" or not form.is_valid():
        return render(request, "settings/rotate.html", {"desk": desk, "key": key, "form": form})
    user: Any = request.user
    try:
        old, successor, plaintext = renew(key, actor=actor_of(request, key.tenant), grace=form.duration, user=user)
    except ValueError as error:
        messages.error(request, str(error))
        return desk.redirect("settings-keys")
    return shown_once(request, "settings/secret.html", successor, plaintext, old=old, desk=desk)


@takes_form
@member_page
def revoke_page(request: HttpRequest, desk: Desk, key_id: str) -> HttpResponse:
    """Ask, then revoke."""
    key = key_of(desk, key_id)
    if not desk.may_issue:
        return refused(request, desk, key)
    if request.method != "POST":
        return render(request, "settings/revoke.html", {"desk": desk, "key": key})
    revoke(key, actor=actor_of(request, key.tenant))
    messages.success(request, REVOKED.format(key.name))
    return desk.redirect("settings-keys")


def key_of(desk: Desk, key_id: str) -> ApiKey:
    """Return a key of the organization; another's is not found, like none."""
    try:
        pk = ids.decode("key", key_id)
    except ids.InvalidId as error:
        raise Http404 from error
    key = ApiKey.objects.of_both_sides(desk.tenant).select_related("tenant").filter(pk=pk).first()
    if key is None:
        raise Http404
    return key


def refused(request: HttpRequest, desk: Desk, key: ApiKey | None = None) -> HttpResponse:
    """Say who may do it."""
    return render(request, "settings/refused.html", {"desk": desk, "key": key}, status=403)
