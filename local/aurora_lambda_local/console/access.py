"""Who may use the console: a browser on this machine that was given its address, and no page of anybody else's."""

import hmac
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Request, Response, abort, request

from aurora_lambda_local.platform.web_pages import foreign_host_error

READING = ("GET", "HEAD")
# `same-origin`, because browsers send a form's `Origin` as `null` where they are to send no referrer.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Kept for the way back alone, to what somebody has typed.
    "Cache-Control": "private, no-cache",
}
CLOSED = "This console opens at the address that this command prints: aurora-lambda console --print"


OPENED = """<!doctype html><title>Console</title><link rel="icon" href="data:,">
<meta http-equiv="refresh" content="0; url=/"><a href="/">Open the console</a>
"""


def protect(application: Flask, address: str) -> None:
    """Answer only requests that hold the token of `address`, and change nothing for another site's page.

    The token comes once, in the link, and is a cookie from then on: one that no script reads and that no other site's
    link or form sends. Cookies do not tell ports apart, so its name has the port.
    """
    parts = urlsplit(address)
    token, cookie = parse_qs(parts.query)["token"][0], f"aurora-lambda-console-{parts.port}"

    @application.before_request
    def refuse() -> Response | None:
        if error := foreign_host_error(request.headers) or foreign_page_error(request):
            abort(HTTPStatus.FORBIDDEN, error)
        if request.method == "GET" and _is(request.args.get("token"), token):
            # Not a redirection: after one, the cookie is not sent to whoever followed a link of another site to here.
            answer = Response(OPENED)
            answer.set_cookie(cookie, token, httponly=True, samesite="Strict")
            return answer
        if not _is(request.cookies.get(cookie), token):
            return Response(f"{CLOSED}\n", HTTPStatus.FORBIDDEN, content_type="text/plain; charset=utf-8")
        return None

    @application.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response


def foreign_page_error(checked: Request) -> str:
    """Return why a request that may change something is refused; empty for one of the console's own pages."""
    if checked.method in READING or checked.headers.get("Origin") == f"http://{checked.host}":
        return ""
    return "only the console's own pages may change something"


def _is(given: str | None, token: str) -> bool:
    return hmac.compare_digest((given or "").encode(), token.encode())
