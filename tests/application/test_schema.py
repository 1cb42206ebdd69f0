"""What the revisions make on each engine, read back."""

from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, UniqueConstraint

from application.tables import metadata
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.sqlalchemy_engine import engine_on
from tests.application.conftest import migrate
from tests.conftest import Database
from tests.images.runs import connect


def described(table: Table) -> dict[str, Any]:
    """Return what is the same on every engine: all but the engines' own words for types."""
    unique = {tuple(each.columns.keys()) for each in table.constraints if isinstance(each, UniqueConstraint)}
    indexes = {tuple(index.columns.keys()): bool(index.unique) for index in table.indexes}
    return {
        "columns": {column.name: column.nullable for column in table.columns},
        "primary key": table.primary_key.columns.keys(),
        "foreign keys": sorted((key.parent.name, key.target_fullname) for key in table.foreign_keys),
        # MySQL knows a unique constraint as an index.
        "unique": unique | {columns for columns, is_unique in indexes.items() if is_unique},
        "indexes": {columns for columns, is_unique in indexes.items() if not is_unique},
    }


@pytest.mark.slow
def test_the_same_history_makes_the_same_tables_on_every_engine(database: Database) -> None:
    """A stack changes its engine by one line: the application must find there what it knows from here."""
    migrate({}, database.environment())
    connection = connect(database)
    settings = database_settings(database.environment())
    with closing(connection), engine_on(connection, settings.spec).connect() as reader:
        reflected = MetaData()
        reflected.reflect(reader, only=list(metadata.tables))
    for name, table in metadata.tables.items():
        assert described(reflected.tables[name]) == described(table)
