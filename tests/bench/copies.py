"""Stream functions that keep a copy of each item in SQL: a statement for each batch, and one for each record."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, MetaData, String, Table

from aurora_lambda_runtime.database.types import LongText, UtcTimestamp
from aurora_lambda_runtime.database.upserts import upsert_newer
from aurora_lambda_runtime.handler.streams import StreamRecord, batch_handler, stream_handler
from aurora_lambda_runtime.handler.streams.attributes import item_to_json
from aurora_lambda_runtime.handler.streams.sql import database

items = Table(
    "items",
    MetaData(),
    Column("id", String(64), primary_key=True),
    Column("body", LongText),
    Column("position", String(67), nullable=False),
    Column("changed_at", UtcTimestamp, nullable=False),
)


def to_row(record: StreamRecord) -> Mapping[str, object]:
    return {
        "id": record.keys["id"],
        "body": item_to_json(record.new_image or {}),
        "position": record.position,
        "changed_at": record.created_at,
    }


@batch_handler
def in_batches(records: Sequence[StreamRecord]) -> None:
    upsert_newer(database(), items, [to_row(record) for record in records], items.c.position)


@stream_handler
def one_by_one(record: StreamRecord) -> None:
    upsert_newer(database(), items, [to_row(record)], items.c.position)
