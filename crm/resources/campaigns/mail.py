"""From a campaign and a client to a mail: placeholders filled in, and the way out in its headers and below its text."""

import re
from email.utils import formataddr, parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.html import escape, format_html

from crm.resources.campaigns.models import Recipient
from crm.resources.consents import links

__all__ = ["PLACEHOLDERS", "mail_for", "stranger_in"]

UNSUBSCRIBE = "unsubscribe_url"
PLACEHOLDERS = ("client.name", "client.email", "client.company_name", "organization.name", UNSUBSCRIBE)
# To the end of the text where nobody closes it.
BRACES = re.compile(r"\{\{(.*?)(\}\}|\Z)", re.DOTALL)
TEXT_FOOTER = "\n\n-- \nYou get this mail because you agreed to news from {name}.\nUnsubscribe: {url}\n"
HTML_FOOTER = '<hr><p>You get this mail because you agreed to news from {name}. <a href="{url}">Unsubscribe</a></p>'


def stranger_in(text: str) -> str | None:
    """Return the first placeholder of a text that nobody fills in, None where there is none."""
    return next((name for name in names_in(text) if name not in PLACEHOLDERS), None)


def names_in(text: str) -> list[str]:
    return [found[1].strip() if found[2] else found[0] for found in BRACES.finditer(text)]


def mail_for(recipient: Recipient, *, connection: Any = None) -> EmailMultiAlternatives:
    """Return the mail to a recipient, whose client has an address."""
    campaign, tenant, client = recipient.campaign, recipient.tenant, recipient.client
    assert client.email is not None
    url = links.url_of(links.Link(tenant.pk, client.pk, campaign.pk))
    values = dict(
        zip(PLACEHOLDERS, (client.name, client.email, client.company_name or "", tenant.name, url), strict=True)
    )
    mail = EmailMultiAlternatives(
        subject=one_line(filled(campaign.subject, values)),
        body=text_of(campaign.body, values),
        from_email=formataddr((one_line(tenant.name), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[client.email],
        headers=headers_of(recipient, url),
        connection=connection,
    )
    if campaign.body_html:
        mail.attach_alternative(html_of(campaign.body_html, values), "text/html")
    return mail


def headers_of(recipient: Recipient, url: str) -> dict[str, str]:
    """Return the headers for one-click unsubscribing (RFC 8058), and an id that a second copy would share."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Message-ID": f"<{recipient.pk.hex}@{host}>",
    }


def text_of(template: str, values: dict[str, str]) -> str:
    footer = "" if UNSUBSCRIBE in names_in(template) else TEXT_FOOTER
    return filled(template, values) + footer.format(name=values["organization.name"], url=values[UNSUBSCRIBE])


def html_of(template: str, values: dict[str, str]) -> str:
    """Return the HTML with its values escaped; what is added goes before the end of the body."""
    text = filled(template, {name: escape(value) for name, value in values.items()})
    if UNSUBSCRIBE in names_in(template):
        return text
    footer = format_html(HTML_FOOTER, name=values["organization.name"], url=values[UNSUBSCRIBE])
    before, end, after = text.rpartition("</body>")
    return f"{before}{footer}{end}{after}" if end else f"{text}{footer}"


def filled(template: str, values: dict[str, str]) -> str:
    """Return a template with its placeholders filled in, in one pass: what a value holds is not looked at again."""
    return BRACES.sub(lambda found: values.get(found[1].strip(), found[0]), template)


def one_line(text: str) -> str:
    """Return a text as a header can hold it."""
    return " ".join(text.split())
