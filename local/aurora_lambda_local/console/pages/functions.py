"""The overview, and a page for each function: what it is, an invocation, what it logs as it comes."""

import json
import time
from collections.abc import Iterator
from http import HTTPStatus

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from jinja2 import Template
from werkzeug import Response as AnyResponse

from aurora_lambda.service.outputs import outputs_for_people
from aurora_lambda_local.console.pages.migrations import revisions
from aurora_lambda_local.console.state import Attempt, console
from aurora_lambda_local.deployed.log_window import LogWindow
from aurora_lambda_local.deployed.migrations import MIGRATION_RUNNER
from aurora_lambda_local.deployed.stack import parse_payload, program_name
from aurora_lambda_local.supervisor.messages import FunctionStatus
from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.migrations.errors import MigrationError

pages = Blueprint("functions", __name__)
SHOWN_LINES = 500
POLL_SECONDS = 0.2
# A browser that is gone shows only when something is sent.
SILENT_POLLS = 50


@pages.get("/")
def overview() -> str:
    """Show what runs, what waits and what the stack exports."""
    report, problem, pending = console().status(), "", []
    outputs = outputs_for_people(report["outputs"])
    try:
        pending = [each for each in revisions() if each.state != "applied"] if report["databaseUrl"] else []
    except (DatabaseError, MigrationError) as error:
        problem = str(error)
    errors = console().logs().last_errors()
    return render_template(
        "overview.html", report=report, outputs=outputs, pending=pending, problem=problem, errors=errors
    )


@pages.get("/functions/<name>")
def show(name: str) -> str:
    """Show a function, with one of the invocations that were made here."""
    function, stack = _function(name), console().stack()
    history, shown = console().history.of(f"function {name}", request.args.get("attempt"))
    # A handler's default is its first command, the migration runner's a deployment.
    is_runner = program_name(stack.functions().get(MIGRATION_RUNNER, "")) == name
    first = '{"command": "status"}' if is_runner else "{}"
    payload = (shown or history[0]).sent["payload"] if history else first
    request_id = request.args.get("request", "")
    lines = console().logs().lines(name, request_id)[-SHOWN_LINES:]
    context = {"payload": payload, "shown": shown, "history": history, "lines": lines, "request_id": request_id}
    return render_template("function.html", name=name, function=function, **context)


@pages.post("/functions/<name>")
def invoke(name: str) -> AnyResponse:
    """Invoke a function."""
    text, arn = request.form["payload"], _function(name)["arn"]
    result = console().stack().invocation(arn, parse_payload(text))
    attempt = Attempt({"payload": text}, result.answer, result.failed, result.seconds, result.request_id)
    number = console().history.add(f"function {name}", attempt)
    return redirect(url_for(".show", name=name, attempt=number, _anchor="answer"), HTTPStatus.SEE_OTHER)


@pages.get("/functions/<name>/log")
def log(name: str) -> Response:
    """Send a function's lines as they come, as server-sent events that go on where they stopped."""
    after = request.headers.get("Last-Event-ID", request.args.get("after", ""))
    row = current_app.jinja_env.get_template("line.html")
    start = int(after) if after.isdecimal() else 0
    events = _events(console().logs(), row, name, request.args.get("request", ""), start)
    return Response(events, content_type="text/event-stream")


def _events(window: LogWindow, row: Template, function: str, request_id: str, after: int) -> Iterator[str]:
    silent = 0
    yield ": connected\n\n"
    while True:
        lines = window.lines(function, request_id, after)
        for line in lines:
            yield f"id: {line.number}\ndata: {json.dumps(row.render(line=line))}\n\n"
            after = line.number
        silent = 0 if lines or silent > SILENT_POLLS else silent + 1
        if silent > SILENT_POLLS:
            yield ": still here\n\n"
        time.sleep(POLL_SECONDS)


def _function(name: str) -> FunctionStatus:
    functions = console().status()["functions"]
    if name not in functions:
        abort(HTTPStatus.NOT_FOUND, f"there is no function {name!r} here; there are: {', '.join(functions) or 'none'}")
    return functions[name]
