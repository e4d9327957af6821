"""The addresses of tenants: a subdomain each, of the domain that Kith is reached at."""

from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["tenant_domain", "tenant_url"]

# A public name whose subdomains all lead to the machine itself.
AT_HOME = "localtest.me"


def tenant_domain(told: str, public_url: str) -> str:
    """Return the domain whose subdomains are tenants: the one told, else the public host where it can have some."""
    host = urlsplit(public_url).hostname or "localhost"
    return (told or (AT_HOME if is_local(host) else host)).lower().strip(".")


def tenant_url(domain: str, public_url: str) -> str:
    """Return a tenant's address with {slug} in it, with the scheme and port of the public one."""
    parts = urlsplit(public_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{{slug}}.{domain}{port}"


def is_local(host: str) -> bool:
    """Tell whether a host can have no subdomains that others reach: this machine's name, or a bare address."""
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return True
