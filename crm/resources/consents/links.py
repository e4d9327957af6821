"""The link below every mail: it names a client to its tenant, says nothing to others, and cannot be altered."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

__all__ = ["Link", "read", "url_of"]

# Without a time: a mail may be opened years later. It holds as long as SECRET_KEY does.
SIGNER = Signer(salt="kith.unsubscribe", sep=".")
ID_BYTES = 16


class Link(NamedTuple):
    """Who may be unsubscribed by a link, and which campaign brought it to them."""

    tenant_id: UUID
    client_id: UUID
    campaign_id: UUID


def url_of(link: Link) -> str:
    """Return the address of a link."""
    packed = urlsafe_b64encode(b"".join(item.bytes for item in link)).decode()
    return f"{settings.PUBLIC_URL}/u/{SIGNER.sign(packed)}"


def read(token: str) -> Link | None:
    """Return what a token stands for; None for one that we have not signed."""
    try:
        packed = urlsafe_b64decode(SIGNER.unsign(token))
    except (BadSignature, binascii.Error, ValueError):
        return None
    return Link(*(UUID(bytes=packed[start : start + ID_BYTES]) for start in range(0, len(packed), ID_BYTES)))
