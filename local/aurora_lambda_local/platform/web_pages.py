"""Refuse the requests of web pages: whatever page the developer visits can send requests to 127.0.0.1."""

from typing import Protocol
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str, /) -> str | None:
        """Return a header's value; None when there is no such header."""


def foreign_host_error(headers: Headers) -> str:
    """Return why a request is refused for its `Host`; empty when that is a name of this machine.

    A page can reach this machine under the page's own name, once that name resolves to 127.0.0.1 (DNS rebinding).
    """
    host = headers.get("Host")
    if host is None or _host_name(host) in LOOPBACK_NAMES:
        return ""
    return f"Host {host} is not this machine: use 127.0.0.1 or localhost"


def web_page_error(headers: Headers) -> str:
    """Return why a request is refused because a web page sent it; empty when none did.

    Browsers send `Origin` with most requests that a page makes to another site, and `Sec-Fetch-Site` with all of them;
    it is `none` for an address that the developer typed.
    """
    if headers.get("Origin") is not None or headers.get("Sec-Fetch-Site") not in (None, "none"):
        return "this endpoint does not take requests of web pages"
    return foreign_host_error(headers)


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
