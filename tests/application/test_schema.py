"""What the revisions make on each engine, read back."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, UniqueConstraint, inspect

from application.tables import metadata
from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.sqlalchemy_engine import engine_on
from aurora_lambda_runtime.migrations.history.revisions import revision_files
from aurora_lambda_runtime.migrations.runner import run
from tests.application.conftest import migrate
from tests.conftest import Database
from tests.images.runs import connect, rows


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


def schema(database: Database) -> dict[str, Any]:
    """Return all that the application's tables in a database consist of."""
    settings = database_settings(database.environment())
    with closing(connect(database)) as connection, engine_on(connection, settings.spec).connect() as reader:
        inspector = inspect(reader)

        def by_name(found: list[Any]) -> list[Any]:
            return sorted(found, key=lambda each: each["name"])

        return {
            table: {
                "columns": [{**each, "type": str(each["type"])} for each in inspector.get_columns(table)],
                "primary key": inspector.get_pk_constraint(table),
                "foreign keys": by_name(inspector.get_foreign_keys(table)),
                "unique": by_name(inspector.get_unique_constraints(table)),
                "indexes": by_name(inspector.get_indexes(table)),
                "checks": by_name(inspector.get_check_constraints(table)),
            }
            for table in inspector.get_table_names()
            if table in metadata.tables
        }


@pytest.mark.slow
def test_down_and_up_again_ends_where_it_began(database: Database, tmp_path: Path) -> None:
    """A database that was once rolled back would differ for ever from all others, and no deployment would say so."""
    source = ApplicationPackage.named("application").versions
    package, at = ApplicationPackage("application", tmp_path), {"base": {}}
    for revision, name in sorted(revision_files(source).items()):
        shutil.copy(source / name, tmp_path)
        run({}, database.environment(), package)
        at[revision] = schema(database)
    *earlier, head = at
    for revision in reversed(earlier):
        run({"command": "downgrade", "revision": revision}, database.environment(), package)
        assert schema(database) == at[revision]
        run({}, database.environment(), package)
        assert schema(database) == at[head]
        assert run({"command": "check"}, database.environment(), package)["output"] == "code and database agree"


@pytest.mark.slow
def test_an_index_that_the_code_does_not_know_is_found(database: Database) -> None:
    """It is written at every insert, and its likes keep databases of one version apart."""
    migrate({}, database.environment())
    rows(database, f"CREATE INDEX {'ASYNC ' if database.engine == 'dsql' else ''}fk_posts_user_id ON posts (user_id)")
    with pytest.raises(Exception, match="code and database disagree: drop fk_posts_user_id"):
        migrate({"command": "check"}, database.environment())
