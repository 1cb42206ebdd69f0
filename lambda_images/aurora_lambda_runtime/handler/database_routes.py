"""The routes about the database itself, which every application has."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import column, select, table
from sqlalchemy.exc import DBAPIError

from aurora_lambda_runtime.database.error_codes import is_schema_missing
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.http import Answer, HttpError, Request
from aurora_lambda_runtime.handler.routing import Routes

MIGRATE = "run `aurora-lambda migrate`"
# Alembic's own table: which revision this database is at.
APPLIED_REVISION = select(column("version_num")).select_from(table("alembic_version"))


def database_routes(tables: Sequence[str]) -> Routes:
    """Return the routes; `tables` are the names that `/init` reports."""
    return {"/info": {"GET": info}, "/init": {"POST": partial(init, tables=tables)}}


def info(request: Request) -> Answer:
    """Return which database this is."""
    settings = request.database.settings
    return 200, {
        "message": "SQL Database Info",
        "endpoint": settings.endpoint,
        "identifier": settings.identifier,
        "schema": settings.schema,
        "dbRole": settings.db_role,
        "arn": settings.arn,
    }


def init(request: Request, tables: Sequence[str]) -> Answer:
    """Confirm that the schema is at the revision that this function was deployed with, or a later one."""
    settings = request.database.settings
    applied = applied_revision(request.database)
    if not is_reached(applied, settings.revision):
        state = f"at revision {applied}" if applied else "not there yet"
        raise HttpError(503, f"The database schema is {state}, expected {settings.revision or 'any'}: {MIGRATE}")
    return 200, {"message": "Database initialized successfully", "schema": settings.schema, "tables": tables}


def applied_revision(database: Database) -> str | None:
    """Return the revision the database is at; None when none was ever applied."""
    try:
        return database.statement(lambda connection: connection.scalar(APPLIED_REVISION))
    except DBAPIError as error:
        if not is_schema_missing(error):
            raise
        return None


def is_reached(applied: str | None, expected: str) -> bool:
    """Return whether a schema at `applied` serves code that needs `expected`; empty means any revision."""
    if applied is None or not expected or applied == expected:
        return applied is not None
    return applied.isdecimal() and expected.isdecimal() and int(applied) > int(expected)
