"""The form of the admin's log-in: unfold's, with the limits of every log-in."""

from unfold.forms import AuthenticationForm

from apikeys.logins import LimitedLogin

__all__ = ["LoginForm"]


class LoginForm(LimitedLogin, AuthenticationForm):
    """For staff."""
