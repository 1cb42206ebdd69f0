"""The application's revisions, there and back on real servers."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.sqlalchemy_engine import lambda_engine
from aurora_lambda_runtime.migrations.revisions import revision_files
from tests.conftest import Database
from tests.images.runs import run, table_names

VERSIONS = ApplicationPackage.named("application").versions

pytestmark = pytest.mark.slow


def schema(database: Database) -> dict[str, Any]:
    """Return what the database says of its tables."""
    engine = lambda_engine(Connector(database_settings(database.environment())))
    found = {}
    with closing(engine.connect()) as connection:
        inspector = inspect(connection)
        for table in sorted(table_names(database)):
            found[table] = {
                "columns": [
                    {name: str(value) for name, value in each.items()} for each in inspector.get_columns(table)
                ],
                "indexes": sorted(map(str, inspector.get_indexes(table))),
                "constraints": sorted(
                    str(each)
                    for each in [
                        inspector.get_pk_constraint(table),
                        *inspector.get_foreign_keys(table),
                        *inspector.get_unique_constraints(table),
                        *inspector.get_check_constraints(table),
                    ]
                ),
            }
    engine.dispose()
    return found


def test_every_revision_undone_and_done_again_ends_where_it_began(database: Database, tmp_path: Path) -> None:
    """What a downgrade leaves behind slows every write or stops the next revision, in some databases only."""
    environment, straight = database.environment(), {}
    files = sorted(revision_files(VERSIONS).items())
    for revision, name in files:
        shutil.copy(VERSIONS / name, tmp_path / name)
        run({}, environment, versions=tmp_path)
        straight[revision] = schema(database)
    head = files[-1][0]
    for revision, _ in files[-2::-1]:
        run({"command": "downgrade", "revision": revision}, environment, versions=tmp_path)
        assert schema(database) == straight[revision], revision
        run({}, environment, versions=tmp_path)
        assert schema(database) == straight[head], revision
