"""Logging in, at whichever door: five tries a minute from an address, ten an hour for a name, and a trace of each."""

import time
from typing import Any

import structlog
from django.contrib.auth.models import User
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse

from apikeys.addresses import address_of, count
from apikeys.limits import Window
from tenants.membership import link, note_login

__all__ = ["LimitedLogin", "attempted"]

log = structlog.get_logger("kith.login")
THROTTLED = "throttled"
FROM_ADDRESS, FOR_NAME = Window("minute", 5), Window("hour", 10)
TOO_MANY = "Too many tries. Wait {} seconds, then try again."


class LimitedLogin:
    """What Django's log-in forms inherit first, to ask the limits before they look at the password."""

    request: Any
    cleaned_data: dict[str, Any]
    wait = 0

    def clean(self) -> dict[str, Any]:
        """Refuse the try, or the name and password."""
        usages = [count(self.request, "login-address", address_of(self.request), FROM_ADDRESS)]
        if name := self.cleaned_data.get("username"):
            usages.append(count(self.request, "login-name", name.lower(), FOR_NAME))
        full = [usage for usage in usages if usage.refused]
        if full:
            self.wait = max(1, max(usage.reset for usage in full) - int(time.time()))
            raise ValidationError(TOO_MANY.format(self.wait), code=THROTTLED)
        cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]
        return cleaned


def attempted(request: HttpRequest, response: HttpResponse) -> None:
    """Write an attempt down, and make a 429 of the answer to one that was too many."""
    form: Any = (getattr(response, "context_data", None) or {}).get("form")
    throttled = form is not None and bool(form.has_error(NON_FIELD_ERRORS, THROTTLED))
    if throttled:
        response.status_code = 429
        response["Retry-After"] = str(form.wait)
    note(request, throttled=throttled)


def note(request: HttpRequest, *, throttled: bool) -> None:
    """Leave a line in the log, and an event in each tenant of the person."""
    person: Any = request.user
    succeeded = bool(person.is_authenticated) and not throttled
    if not succeeded:
        # A name nobody has is not written down: it may be a password in the wrong field.
        person = User.objects.filter(username=request.POST.get("username", "")).first()
    outcome = "ok" if succeeded else "throttled" if throttled else "failed"
    log.info("login", outcome=outcome, user=str(person or "(unknown)"), address=address_of(request))
    if succeeded:
        # Whoever was invited has their seats from the first log-in on.
        link(person)
    if person is not None and not throttled:
        request_id = getattr(request, "request_id", "")
        note_login(person, succeeded=succeeded, address=address_of(request), request_id=request_id)
