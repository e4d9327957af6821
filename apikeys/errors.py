"""What can be wrong with a caller's credential; crm/rest/problems.py words the answers."""

__all__ = [
    "AddressRefused",
    "ClaimInProgress",
    "ClaimMalformed",
    "ClaimMismatch",
    "CredentialError",
    "ExpiredKey",
    "InvalidKey",
    "MalformedCredential",
    "MissingScope",
    "PageRefused",
    "UnknownTenant",
    "WrongTenant",
]


class CredentialError(Exception):
    """Base of all of them; the text is fit for the caller's eyes."""


class MalformedCredential(CredentialError):
    """Two different keys, or a key in the query string."""


class InvalidKey(CredentialError):
    """No key, an unknown one or a revoked one: one answer for all three."""


class ExpiredKey(CredentialError):
    """A key that exists and whose time is over."""


class AddressRefused(CredentialError):
    """A key used from outside its allowed networks."""


class WrongTenant(CredentialError):
    """The request names a tenant that is not the key's; whether that one exists is not said."""


class PageRefused(CredentialError):
    """A key in a web page that may not stand there, or a page whose site may not send."""


class UnknownTenant(CredentialError):
    """The request goes to the address of a tenant that does not exist."""


class MissingScope(CredentialError):
    """The key lacks `scope`, given in its stored form."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class ClaimMalformed(CredentialError):
    """An Idempotency-Key that cannot be stored."""


class ClaimInProgress(CredentialError):
    """Another request holds this Idempotency-Key at this moment."""


class ClaimMismatch(CredentialError):
    """This Idempotency-Key stands for another request."""
