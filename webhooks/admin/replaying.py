"""The page that sends a window again: a form, then what it would send, then a job."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from tenants.admin.widgets import dress
from tenants.staff import actor_of
from webhooks.admin.acting import ask
from webhooks.again import SENTENCES, preview
from webhooks.forms import WindowForm
from webhooks.models import Endpoint
from webhooks.replay import Unrepeatable, start

__all__ = ["window_page"]

STARTED = "{:,} events are sent again, slower than live traffic."


class StaffWindowForm(WindowForm):
    """The same, in unfold's clothes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("since", "until"):
            self.fields[name].widget.attrs["class"] = " ".join(INPUT_CLASSES)
        dress(self.fields["only_failed"], UnfoldBooleanWidget())
        dress(self.fields["events"], UnfoldAdminTextareaWidget(attrs={"rows": 2, "spellcheck": "false"}))


def window_page(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Ask for the window, show what it holds, and start the job."""
    form = StaffWindowForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        said = ("Choose a window: the next page says how many events it holds, and of which types.",)
        return ask(request, endpoint, "Replay a window", said=said, form=form, verb="Show what it would send")
    actor = actor_of(request, endpoint.tenant)
    try:
        found = preview(endpoint, **form.window)
        if "sure" not in request.POST:
            shown = {"form": form, "choice": found, "window": form.window}
            return ask(request, endpoint, "Replay a window", template="admin/kith/webhook_replay.html", **shown)
        job = start(endpoint, actor=actor, **form.window)
    except Unrepeatable as error:
        messages.error(request, SENTENCES[type(error)])
        return redirect("admin:webhooks_endpoint_replay", endpoint.pk)
    messages.success(request, STARTED.format(job.total))
    return redirect("admin:webhooks_replay_change", job.pk)
