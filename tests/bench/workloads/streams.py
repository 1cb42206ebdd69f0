"""Times a stream's function on batches of a hundred records, in one statement and in one a record. Prints JSON."""

import contextlib
import io
import json
import statistics
import sys
import time

from sqlalchemy import delete, func, select

from aurora_lambda_local.testing.streams import raw_record
from aurora_lambda_runtime.handler.entry import EntryPoint
from aurora_lambda_runtime.handler.streams.sql import database
from tests.bench.copies import in_batches, items, one_by_one
from tests.images.client import Context

BATCHES = 5
RECORDS = 100


def milliseconds(entry_point: EntryPoint) -> float:
    """Return what a batch takes, the one in the middle; every batch writes rows that are not there."""
    with database().statements.connect() as connection:
        connection.execute(delete(items))
    times = []
    for batch in range(BATCHES):
        numbers = range(batch * RECORDS, (batch + 1) * RECORDS)
        records = [
            raw_record({"id": f"{n:064}"}, {"name": "Ann", "tags": ["a", "b"]}, sequence_number=n) for n in numbers
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            began = time.perf_counter()
            answer = entry_point({"Records": records}, Context())
            times.append((time.perf_counter() - began) * 1000)
        assert answer == {"batchItemFailures": []}
    with database().statements.connect() as connection:
        if (stored := connection.scalar(select(func.count()).select_from(items))) != BATCHES * RECORDS:
            sys.exit(f"not what was to be measured: {stored} of {BATCHES * RECORDS} records are stored")
    return statistics.median(times)


items.create(database().statements)
measured: dict[str, list[float]] = {"batch": [], "single": []}
for _ in range(int(sys.argv[1]) + 1):
    measured["single"].append(milliseconds(one_by_one))
    measured["batch"].append(milliseconds(in_batches))
print(json.dumps({name: values[1:] for name, values in measured.items()}))
