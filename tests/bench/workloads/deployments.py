"""Times the migration runner against psycopg, in this process, with the revisions of this image. Prints JSON.

Arguments: rounds, revisions, and `peers` to time Alembic as it comes too.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import psycopg
from alembic import command
from alembic.config import Config

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.migrations.outcome import MigrationResult
from aurora_lambda_runtime.migrations.runner import run

APPLICATION = ApplicationPackage.named("application")
COUNT = int(sys.argv[2])
NOTHING = 10
DDL = "\nCREATE TABLE t_{0:04d} (\n\tid INTEGER, \n\tname VARCHAR(100)\n)\n\n"
rounds = int(sys.argv[1])
url = os.environ["DATABASE_URL"]


def other(database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"


def deploy(database: str) -> MigrationResult:
    return cast(
        MigrationResult, run({"command": "deploy"}, {**os.environ, "DATABASE_URL": other(database)}, APPLICATION)
    )


def raw_check(database: str) -> None:
    with psycopg.connect(other(database), autocommit=True) as connection:
        connection.execute("SELECT version_num FROM alembic_version").fetchone()


def raw_ddl(database: str) -> None:
    with psycopg.connect(other(database)) as connection:
        for number in range(1, COUNT + 1):
            connection.execute(DDL.format(number).encode())
            connection.commit()


def plain_alembic(database: str) -> None:
    config = Config()
    config.set_main_option("script_location", f"{Path(__file__).parent}/alembic")
    config.set_main_option("version_locations", "/var/task/application/versions")
    config.set_main_option("sqlalchemy.url", other(database).replace("postgres:", "postgresql+psycopg:", 1))
    command.upgrade(config, "head")


def milliseconds(call: Callable[[str], object], database: str) -> float:
    began = time.perf_counter()
    call(database)
    return (time.perf_counter() - began) * 1000


def tables(database: str) -> int:
    """How many of the revisions' tables a new connection sees."""
    with psycopg.connect(other(database)) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename ~ '^t_[0-9]{4}$'").fetchone()
    assert found is not None
    return found[0]


def on_empty(call: Callable[[str], object]) -> float:
    with psycopg.connect(other("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE measured")
        try:
            took = milliseconds(call, "measured")
            if (made := tables("measured")) != COUNT:
                sys.exit(f"not what was to be measured: {made} of {COUNT} tables are there")
            return took
        finally:
            connection.execute("DROP DATABASE measured WITH (FORCE)")


def nothing(call: Callable[[str], object]) -> float:
    return statistics.median(milliseconds(call, "revisions") for _ in range(NOTHING))


result = deploy("revisions")
assert len(result["applied"]) == COUNT, result
repeated = {"check": raw_check, "nothing": deploy}
from_empty = {"ddl": raw_ddl, "all": deploy}
if "peers" in sys.argv:
    repeated["alembic_nothing"] = from_empty["alembic_all"] = plain_alembic
measured: dict[str, list[float]] = {name: [] for name in (*repeated, *from_empty)}
for _ in range(rounds + 1):
    for name, call in repeated.items():
        measured[name].append(nothing(call))
    for name, call in from_empty.items():
        measured[name].append(on_empty(call))
print(json.dumps({name: values[1:] for name, values in measured.items()}))
