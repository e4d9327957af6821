"""What can be wrong with a caller's credential; crm/rest/problems.py words the answers."""

__all__ = [
    "AddressRefused",
    "ClaimInProgress",
    "ClaimMalformed",
    "ClaimMismatch",
    "ClaimUnrepeatable",
    "CredentialError",
    "ExpiredKey",
    "ForgedRequest",
    "InvalidKey",
    "InvalidSession",
    "MalformedCredential",
    "MissingScope",
    "PageRefused",
    "UnknownTenant",
    "UnnamedTenant",
    "WrongCredential",
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
    """The request names a tenant that is not the caller's; whether that one exists is not said."""


class InvalidSession(CredentialError):
    """A cookie whose session is over, or whose account has no seat any more; no guess at a key."""


class ForgedRequest(CredentialError):
    """A write with a session that does not prove that it comes from our own pages."""


class WrongCredential(CredentialError):
    """A credential that works, and of a kind that this resource does not take."""


class UnnamedTenant(CredentialError):
    """A member of several tenants, `slugs`, who says in no `header` which one is meant."""

    def __init__(self, header: str, slugs: list[str]) -> None:
        super().__init__(f"Say for which organization: send its id or slug in {header}. Yours: {', '.join(slugs)}.")
        self.header, self.slugs = header, slugs


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


class ClaimUnrepeatable(CredentialError):
    """This Idempotency-Key stands for an answer that was given once, as a secret was in it."""
