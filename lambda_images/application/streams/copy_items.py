"""Keep a copy of each item in the SQL table `stream_items`."""

import hashlib
from collections.abc import Sequence

from application.tables import stream_items
from aurora_lambda_runtime.database.upserts import upsert_newer
from aurora_lambda_runtime.handler.streams import StreamRecord, batch_handler
from aurora_lambda_runtime.handler.streams.attributes import item_to_json
from aurora_lambda_runtime.handler.streams.sql import database


@batch_handler
def process(records: Sequence[StreamRecord]) -> None:
    """Store the last state of each item among `records`, unless a later one is stored already."""
    rows = {}
    for record in sorted(records, key=lambda record: record.position):
        row = to_row(record)
        rows[row["table_name"], row["key_hash"]] = row
    upsert_newer(database(), stream_items, list(rows.values()), stream_items.c.stream_position)


def to_row(record: StreamRecord) -> dict[str, object]:
    """Return the row of `stream_items` that a change leads to.

    Raises:
        ValueError: the stream's records have no new images.
    """
    if record.new_image is None and record.event_name != "REMOVE":
        raise ValueError(
            f"the stream of table {record.table} has the view type {record.view_type}, without the items' new images: "
            "enable it with NEW_AND_OLD_IMAGES"
        )
    key = item_to_json(record.keys)
    return {
        "table_name": record.table,
        "key_hash": hashlib.sha256(key.encode()).hexdigest(),
        "item_key": key,
        "body": None if record.new_image is None else item_to_json(record.new_image),
        "stream_position": record.position,
        "changed_at": record.created_at,
    }
