"""Streams, queues and schedules: what waits, what was given up, and another try by a click."""

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, url_for
from werkzeug import Response

from aurora_lambda_local.console.state import console
from aurora_lambda_local.deployed.replay import replay
from aurora_lambda_local.deployed.stack import StackRequestError

pages = Blueprint("streams", __name__)


@pages.get("/streams")
def show() -> str:
    """Show every mapping, queue and schedule of the stack."""
    return render_template("streams.html", report=console().status(), given_up=console().supervisor.given_up())


@pages.post("/streams/<name>/replay")
def replay_failures(name: str) -> Response:
    """Give the records that a mapping has given up to its function again."""
    try:
        for line in replay(None, name, None, dry_run=False):
            console().notices.append(line)
    except StackRequestError as error:
        console().notices.append(str(error))
    return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)


@pages.post("/queues/<name>/redrive")
def redrive_letters(name: str) -> Response:
    """Put the dead letters of a queue back into it."""
    console().notices.append(f"messages put back: {console().supervisor.redrive(name)}")
    return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)
