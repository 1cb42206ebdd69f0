"""Who gets into the console: a browser on this machine with its address, and nobody else."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aurora_lambda_local.console.application import create_application
from aurora_lambda_local.platform.paths import LocalPaths

HOST = "127.0.0.1:20100"
ADDRESS = f"http://{HOST}/?token=the-token"
CLOSED = "This console opens at the address that this command prints: aurora-lambda console --print\n"


class Browser(FlaskClient):
    """A client of the console's own address."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        return super().open(*arguments, base_url=f"http://{HOST}", **options)


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of the console of a project in which nothing is up."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nmain: stacks\n")
    monkeypatch.chdir(tmp_path)
    application = create_application(LocalPaths.for_checkout(tmp_path), ADDRESS)
    application.test_client_class = Browser
    return application.test_client()


def test_the_link_lets_one_browser_in_by_a_cookie_that_no_script_reads(browser: FlaskClient) -> None:
    """The token would stay in the address bar, or a page of another site could use it."""
    refused = browser.get("/configuration")
    assert (refused.status_code, refused.text) == (HTTPStatus.FORBIDDEN, CLOSED)
    opened = browser.get("/?token=the-token")
    assert opened.headers["Set-Cookie"] == ("aurora-lambda-console-20100=the-token; HttpOnly; Path=/; SameSite=Strict")
    # A page that leads on by itself: no cookie is sent along a redirection that another site's link began.
    assert (opened.status_code, 'content="0; url=/"' in opened.text) == (HTTPStatus.OK, True)
    assert browser.get("/").status_code == HTTPStatus.CONFLICT
    assert "no stack is running here; start one with: aurora-lambda up" in browser.get("/").text


@pytest.mark.parametrize("path", ["/?token=wrong", "/", "/static/console.css", "/database/users", "/nowhere"])
def test_without_the_token_nothing_is_answered(browser: FlaskClient, path: str) -> None:
    """Any program of any user of this machine could read the tables."""
    refused = browser.get(path)
    assert (refused.status_code, refused.text, "Set-Cookie" in refused.headers) == (403, CLOSED, False)
    browser.set_cookie("aurora-lambda-console-20100", "wrong", domain="127.0.0.1")
    assert browser.get(path).status_code == HTTPStatus.FORBIDDEN


def test_a_name_that_somebody_lets_resolve_to_this_machine_is_refused(browser: FlaskClient) -> None:
    """A page on such a name would be of the same origin as the console (DNS rebinding)."""
    browser.get("/?token=the-token")
    for host in ("evil.example", "127.0.0.1.evil.example:20100"):
        refused = browser.get("/", headers={"Host": host})
        assert (refused.status_code, f"Host {host} is not this machine" in refused.text) == (403, True)


@pytest.mark.parametrize(
    "origin", [None, "null", "http://127.0.0.1:20101", "https://127.0.0.1:20100", "http://evil.example"]
)
@pytest.mark.parametrize("path", ["/functions/handler", "/routes", "/database/users/row", "/streams/items/replay"])
def test_only_its_own_pages_may_change_something(browser: FlaskClient, path: str, origin: str | None) -> None:
    """A form of another page on this machine, for which the cookie counts too, could delete rows."""
    browser.get("/?token=the-token")
    refused = browser.post(path, headers={"Origin": origin} if origin else {})
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "only the console&#39;s own pages may change something" in refused.text
    assert browser.post(path, headers={"Origin": f"http://{HOST}"}).status_code != HTTPStatus.FORBIDDEN


def test_what_changes_something_is_not_done_by_a_link(browser: FlaskClient) -> None:
    """A picture in a page, or a browser that loads ahead, could replay records."""
    browser.get("/?token=the-token")
    for path in ("/streams/items/replay", "/queues/mail/redrive"):
        assert browser.get(path).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    rules = browser.application.url_map.iter_rules()
    assert {rule.rule for rule in rules if rule.methods and "POST" in rule.methods} == {
        "/functions/<name>",
        "/routes",
        "/database/<name>/row",
        "/streams/<name>/replay",
        "/queues/<name>/redrive",
    }


def test_no_page_can_be_framed_kept_or_run_foreign_scripts(browser: FlaskClient) -> None:
    """A page could lay the console under its own buttons, or a value in a table could be a script."""
    for answer in (browser.get("/"), browser.get("/?token=the-token"), browser.get("/")):
        assert {name: answer.headers[name] for name in ("X-Frame-Options", "Cache-Control", "Referrer-Policy")} == {
            "X-Frame-Options": "DENY",
            "Cache-Control": "private, no-cache",
            "Referrer-Policy": "same-origin",
        }
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= {*policy}
