"""The yardstick: a handler of psycopg and nothing else, connected when it is imported."""

import os
from datetime import UTC, datetime
from uuid import uuid4

import psycopg

connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def lambda_handler(event, context):
    """Insert a row that holds this invocation's id; or list the newest."""
    if event.get("command") == "list":
        rows = connection.execute("SELECT id, text, created_at FROM notes ORDER BY created_at DESC LIMIT 1")
        return [str(row[0]) for row in rows]
    row = (uuid4(), context.aws_request_id, datetime.now(UTC))
    connection.execute("INSERT INTO notes (id, text, created_at) VALUES (%s, %s, %s)", row)
    return {"id": str(row[0])}
