"""What the console lists of an application that answers the function's URL."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aurora_lambda_local.console.pages.routes import LIST_ROUTES

ROUTES = """
ROUTES = {"/notes": {"GET": print, "POST": print}, "/notes/{id}": {"DELETE": print}}
"""
FASTAPI = """
from fastapi import FastAPI
app = FastAPI(openapi_url=None)
app.get("/notes")(lambda: None)
app.post("/notes/{id}")(lambda: None)
"""
FLASK = """
from flask import Flask
app = Flask("app", static_folder=None)
app.get("/notes")(lambda: "")
app.post("/notes/<id>", endpoint="post")(lambda: "")
"""
WSGI = """
def app(environ, start_response):
    start_response("204 No Content", [])
    return []
"""


def listed(folder: Path, module: str, source: str, **variables: str) -> list[list[str]]:
    (folder / "app").mkdir()
    (folder / "app" / "__init__.py").write_text("")
    (folder / "app" / f"{module}.py").write_text(source)
    environment = {**os.environ, "AURORA_LAMBDA_APPLICATION": "app", "PYTHONPATH": str(folder), **variables}
    command = [sys.executable, "-c", LIST_ROUTES]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


@pytest.mark.parametrize(
    ("module", "source", "routes"),
    [
        ("routes", ROUTES, [["GET", "/notes"], ["POST", "/notes"], ["DELETE", "/notes/{id}"]]),
        ("web", FASTAPI, [["GET", "/notes"], ["POST", "/notes/{id}"]]),
        ("web", FLASK, [["GET", "/notes"], ["POST", "/notes/<id>"]]),
        ("web", WSGI, []),
    ],
    ids=["routes", "FastAPI", "Flask", "any WSGI application"],
)
def test_the_routes_of_an_application_are_listed(
    tmp_path: Path, module: str, source: str, routes: list[list[str]]
) -> None:
    """A person would have to remember the paths to try one."""
    assert listed(tmp_path, module, source) == routes


def test_the_databases_own_routes_are_listed_where_they_answer(tmp_path: Path) -> None:
    """Nobody would find that the URL says where the database is."""
    assert listed(tmp_path, "routes", "ROUTES = {}", AURORA_LAMBDA_DATABASE_ROUTES="true") == [
        ["GET", "/info"],
        ["POST", "/init"],
    ]
