"""In and out: Django's own views, with the limits and the traces of every log-in."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse

from apikeys.logins import LimitedLogin, attempted

__all__ = ["LogIn", "LogOut"]


class LoginForm(LimitedLogin, AuthenticationForm):
    """For members."""


class LogIn(LoginView):
    """Lets people in, at most so often; `next` leads to addresses of this host alone."""

    template_name = "settings/login.html"
    authentication_form = LoginForm
    next_page = "settings"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        attempted(request, response)
        return response


class LogOut(LogoutView):
    """Ends the session."""

    next_page = "login"
