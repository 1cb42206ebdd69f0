"""The routes of the function URL, and a request to try one."""

import http.client
import json
import subprocess
import time
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from aurora_lambda_local.console.state import Attempt, console
from aurora_lambda_local.platform.errors import LocalError, UsageError

pages = Blueprint("routes", __name__)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
LIST_ROUTES = Path(__file__).parents[1].joinpath("list_routes.py").read_text()
LIST_SECONDS = 30
# Lambda's longest, and a little more.
ANSWER_SECONDS = 910
LARGEST_ANSWER = 1 << 20
HANDLER = "handler"


@pages.get("/routes")
def show() -> str:
    """Show the routes, and one of the requests that were made here."""
    url = console().status()["functionUrl"]
    history, shown = console().history.of("routes", request.args.get("attempt"))
    chosen = {"method": request.args.get("method", "GET"), "path": request.args.get("path", "/")}
    routes, problem = _routes() if url else ([], "this stack has no function URL")
    context = {"sent": shown.sent if shown else chosen, "shown": shown, "history": history, "methods": METHODS}
    return render_template("routes.html", url=url, routes=routes, problem=problem, **context)


@pages.post("/routes")
def send() -> Response:
    """Send a request to the function URL."""
    sent = {key: request.form.get(key, "").strip() for key in ("method", "path", "headers", "body")}
    if "{" in sent["path"] or not sent["path"].startswith("/"):
        raise UsageError(f"the path is {sent['path']!r}; give one such as /users/1, with a value for each {{name}}")
    pairs = [line.partition(":") for line in sent["headers"].splitlines() if line.strip()]
    if wrong := [name for name, colon, _ in pairs if not colon]:
        raise UsageError(f"{wrong[0]!r} is no header; one is: Accept: text/html")
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    attempt = _request(console().status()["functionUrl"], sent, headers)
    number = console().history.add("routes", attempt)
    return redirect(url_for(".show", attempt=number, _anchor="answer"), HTTPStatus.SEE_OTHER)


def _request(url: str, sent: dict[str, str], headers: dict[str, str]) -> Attempt:
    started = time.monotonic()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)
    try:
        body = sent["body"].encode() or None
        given = {**({"Content-Type": "application/json"} if body else {}), **headers}
        connection.request(sent["method"], sent["path"], body, given)
        response = connection.getresponse()
        answer = response.read(LARGEST_ANSWER).decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LocalError(f"{sent['method']} {sent['path']} was not answered: {error}") from None
    finally:
        connection.close()
    note = "\n".join(f"{name}: {value}" for name, value in response.getheaders())
    status = f"{response.status} {response.reason}"
    seconds = time.monotonic() - started
    return Attempt(sent, answer, response.status >= HTTPStatus.BAD_REQUEST, seconds, f"{status}\n{note}")


def _routes() -> tuple[list[tuple[str, str]], str]:
    """Return the routes of the code that is deployed, or why they cannot be told."""
    try:
        start = console().supervisor.function_start(console().stack().arn(HANDLER))
        command = [start["python"], "-c", LIST_ROUTES]
        variables = {**start["variables"], "PYTHONPATH": start["directory"]}
        done = subprocess.run(
            command, cwd=start["directory"], env=variables, capture_output=True, timeout=LIST_SECONDS, check=False
        )
        return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])], ""
    except LocalError as error:
        return [], str(error)
    except (ValueError, IndexError, subprocess.TimeoutExpired):
        return [], "the application does not tell its routes; its functions' logs say why"
