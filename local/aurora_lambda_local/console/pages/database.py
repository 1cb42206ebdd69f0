"""The database's tables: their rows, and changes to them behind a switch."""

import json
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from aurora_lambda_local.console.state import console
from aurora_lambda_local.deployed.sql import OpenDatabase, running_database
from aurora_lambda_local.deployed.tables import COUNTED_ROWS, OPERATORS, Row, Selection, Table, table_names
from aurora_lambda_local.platform.errors import UsageError

pages = Blueprint("database", __name__)
NULL, VALUE, KEY = "null.", "value.", "key."


@pages.get("/database")
def tables() -> str:
    """Show the tables."""
    with _open() as database:
        return render_template("tables.html", names=table_names(database), engine=database.settings.engine)


@pages.get("/database/<name>")
def rows(name: str) -> str:
    """Show a page of a table's rows."""
    given = request.args
    page = given.get("page", "1")
    chosen = Selection(
        **{key: given[key] for key in ("column", "operator", "operand", "order") if key in given},
        descending=given.get("descending") == "1",
        page=int(page) if page.isdecimal() and int(page) else 1,
    )
    with _open() as database:
        table = Table(database, name)
        links = {"link": _link, "row_link": lambda row: _row_link(table, row)}
        context = {"operators": OPERATORS, "counted": COUNTED_ROWS, "editing": _editing(given) and table.is_editable}
        return render_template("rows.html", table=table, shown=table.page(chosen), chosen=chosen, **context, **links)


@pages.get("/database/<name>/row")
def row(name: str) -> str:
    """Show one row, or the form of a new one."""
    key = _prefixed(request.args, KEY)
    with _open() as database:
        table = Table(database, name)
        found = table.row(key) if key else dict.fromkeys(table.columns)
        return render_template("row.html", table=table, row=found, key=key, seen=json.dumps(found))


@pages.post("/database/<name>/row")
def change(name: str) -> Response:
    """Insert, change or delete a row."""
    form = request.form
    if not _editing(form):
        raise UsageError("rows are changed only where editing is switched on")
    key = _prefixed(form, KEY)
    with _open() as database:
        table = Table(database, name)
        if form["action"] == "delete":
            table.delete(key)
        elif form["action"] == "update":
            table.update(key, _typed(form), json.loads(form["seen"]))
        else:
            # What is left empty is left to the database, where it knows what to put there.
            optional = {each.name for each in table.columns.values() if each.nullable or each.has_default}
            table.insert(
                {column: text for column, text in _typed(form).items() if text != "" or column not in optional}
            )
    console().notices.append({"delete": "Deleted.", "update": "Saved.", "insert": "Inserted."}[form["action"]])
    return redirect(url_for(".rows", name=name, edit=1), HTTPStatus.SEE_OTHER)


@contextmanager
def _open() -> Generator[OpenDatabase]:
    with closing(OpenDatabase(running_database())) as database:
        yield database


def _editing(given: Mapping[str, str]) -> bool:
    """Return whether the switch is on."""
    return given.get("edit") == "1"


def _link(**changes: object) -> str:
    """Return this page's address with other parameters; an empty one is left out."""
    parameters = {key: value for key, value in {**request.args, **changes}.items() if value != ""}
    return f"{request.path}?{urlencode(parameters)}"


def _row_link(table: Table, row: Row) -> str:
    key = {f"{KEY}{name}": row[name] for name in table.key}
    return f"{url_for('.row', name=table.name)}?{urlencode(key)}"


def _prefixed(given: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in given.items() if name.startswith(prefix)}


def _typed(form: Mapping[str, str]) -> Row:
    """Return the values of a form; browsers end lines as no database here does."""
    values = _prefixed(form, VALUE)
    return {name: None if f"{NULL}{name}" in form else text.replace("\r\n", "\n") for name, text in values.items()}
