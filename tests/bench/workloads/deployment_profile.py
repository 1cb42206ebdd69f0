"""Where the time of a deployment of all revisions goes. Prints JSON: milliseconds in functions, with what they call."""

import cProfile
import json
import os
import pstats

import psycopg

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.migrations.runner import run

PARTS = {
    ("aurora_lambda_runtime/migrations/runner.py", "run"): "the whole deployment, slowed by the profiler",
    ("psycopg/connection.py", "wait"): "waiting for the server, in all of the below",
    ("alembic/ddl/impl.py", "create_table"): "building, compiling and running the DDL",
    ("alembic/runtime/migration.py", "update_to_step"): "noting each revision in alembic_version",
    ("aurora_lambda_runtime/migrations/alembic_runner.py", "_load_file"): "loading the revisions' files",
}
url = os.environ["DATABASE_URL"]


def other(database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"


def deploy() -> None:
    with psycopg.connect(other("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE measured")
        try:
            run(
                {"command": "deploy"},
                {**os.environ, "DATABASE_URL": other("measured")},
                ApplicationPackage.named("application"),
            )
        finally:
            connection.execute("DROP DATABASE measured WITH (FORCE)")


deploy()
profile = cProfile.Profile()
profile.runcall(deploy)
stats = vars(pstats.Stats(profile))["stats"]
spent = {(file, name): total for (file, _, name), (_, _, _, total, _) in stats.items()}
shown = {
    text: next(total for (file, name), total in spent.items() if file.endswith(path) and name == function) * 1000
    for (path, function), text in PARTS.items()
}
print(json.dumps(shown))
