"""Times inserts on one connection in this process: raw psycopg, and the sample application's `add`. Prints JSON."""

import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime
from uuid import uuid4

import psycopg

from application.commands import COMMANDS
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.sqlalchemy_engine import lambda_engine
from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.commands import Invocation

CALLS = 200
rounds = int(sys.argv[1])
connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
settings = database_settings(os.environ)
add = COMMANDS["add"]
database = Database(lambda_engine(Connector(settings)), settings)


def raw() -> None:
    row = (uuid4(), "raw", datetime.now(UTC))
    connection.execute("INSERT INTO notes (id, text, created_at) VALUES (%s, %s, %s)", row)


def ours() -> None:
    add(Invocation({}, "ours", database))


def median(call) -> float:
    """Milliseconds of the call in the middle."""
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def stored() -> dict[str, int]:
    """How many rows each side has stored, as another connection sees it."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        counted = other.execute("SELECT text, count(*) FROM notes WHERE text IN ('raw', 'ours') GROUP BY 1")
        return dict(counted.fetchall())


connection.execute("DELETE FROM notes")
measured: dict[str, list[float]] = {"raw": [], "ours": []}
for _ in range(rounds + 1):
    measured["raw"].append(median(raw))
    measured["ours"].append(median(ours))
expected = CALLS * (rounds + 1)
if stored() != {"raw": expected, "ours": expected}:
    sys.exit(f"not what was to be measured: {expected} rows a side were inserted, and stored are {stored()}")
print(json.dumps({name: values[1:] for name, values in measured.items()}))
