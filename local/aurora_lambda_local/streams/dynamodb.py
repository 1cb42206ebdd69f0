"""DynamoDB as moto emulates it, with tables that are saved every few seconds and streams that are kept at once.

Every request to moto's server passes through here.
"""

import io
import json
import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug import Response
from werkzeug.test import Client, run_wsgi_app

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.streams import destinations, tables
from aurora_lambda_local.streams.store import StreamStore, TableKey

SAVE_SECONDS = 2.0
TARGET = "DynamoDB_20120810."
CONTENT_TYPE = "application/x-amz-json-1.0"
DEFAULT_REGION = "us-east-1"
# How the actions begin that change nothing, and those that make a table or change what it is, not what it holds.
READING = ("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet")
DEFINING = ("CreateTable", "DeleteTable", "UpdateContinuousBackups", "UpdateTable", "UpdateTimeToLive", "Tag", "Untag")
_REGION = re.compile(r"Credential=[^/]+/\d+/([\w-]+)/")


class DurableDynamoDb:
    """A WSGI application around moto's that keeps what is written, once a store is opened."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._store: StreamStore | None = None
        self._lock = threading.RLock()
        self._readers: defaultdict[str, set[threading.Event]] = defaultdict(set)
        # The requests that made each table what it is, in order; and which tables have changed since they were saved.
        self._definitions: defaultdict[TableKey, list[tuple[str, str]]] = defaultdict(list)
        self._changed: set[TableKey] = set()
        self._closed = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if self._store is None:
            # A write before a stack's store is open would be answered and lost; AWS's clients try this again. The other
            # services are in memory, and promise no more.
            unavailable = _answer("ServiceUnavailable", "the stack is not up yet: try again in a moment")
            application = unavailable if target.startswith("DynamoDB") else self._application
            return application(environ, start_response)
        if not target.startswith(TARGET):
            response = self._application(environ, start_response)
            destinations.forget_removed(self._store)
            return response
        action = target.removeprefix(TARGET)
        if action.startswith(READING):
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        region = _REGION.search(environ.get("HTTP_AUTHORIZATION", ""))
        with self._lock:
            chunks, status, headers = run_wsgi_app(self._application, environ, buffered=True)
            if not action.startswith(DEFINING) or status.startswith("200"):
                try:
                    self._keep(self._store, region[1] if region else DEFAULT_REGION, action, body.decode())
                except sqlite3.Error as error:
                    return _answer("InternalServerError", f"this cannot be kept: {error}")(environ, start_response)
        start_response(status, headers.to_wsgi_list())
        return chunks

    def open(self, store: StreamStore) -> None:
        """Bring back what a store holds, and keep what happens to it from now on."""
        with self._lock:
            for key, document in store.tables().items():
                for action, body in document["requests"]:
                    self._send(key.region, action, body)
                    self._definitions[key].append((action, body))
                tables.restore(key, document, store.read(document["stream"], 0, -1))
            destinations.deliver(store)
            self._store = store
            self._closed = threading.Event()
        threading.Thread(target=self._save_regularly, args=(self._closed,), daemon=True).start()

    def close(self) -> None:
        """Save all tables, and forget them here."""
        self._closed.set()
        with self._lock:
            self.save()
            self._store = None
            self._definitions.clear()
            tables.forget_all()
            destinations.forget_all()

    def save(self) -> None:
        """Save the tables that have changed."""
        with self._lock:
            if self._store is None or not self._changed:
                return
            with self._store.transaction():
                for key in self._changed:
                    self._store.put_table(key, tables.document(key, self._definitions[key]))
            self._changed.clear()

    def request(self, region: str, action: str, **body: object) -> dict[str, Any]:
        """Send one request as a client would.

        Raises:
            LocalError: it is refused.
        """
        status, answer = self._send(region, action, json.dumps(body))
        if status != HTTPStatus.OK:
            raise LocalError(f"DynamoDB refuses {action}: {answer.get('message') or answer.get('Message') or answer}")
        return answer

    def describe(self, region: str, name: str) -> dict[str, Any] | None:
        """Return a table's description as DescribeTable has it; None when there is no such table."""
        return tables.describe(TableKey(region, name))

    def set_stream_label(self, region: str, name: str, label: str) -> None:
        """Set the label that ends the ARN of a table's stream; nothing may have been written to the stream yet."""
        with self._lock:
            tables.set_stream_label(TableKey(region, name), label)
            self._changed.add(TableKey(region, name))
            self.save()

    def notify(self, stream: str, reader: threading.Event) -> None:
        """Set `reader` whenever something is written to a stream."""
        self._readers[stream].add(reader)

    def forget(self, stream: str, reader: threading.Event) -> None:
        """Set `reader` no more."""
        self._readers[stream].discard(reader)

    def _send(self, region: str, action: str, body: str) -> tuple[int, dict[str, Any]]:
        credential = f"AWS4-HMAC-SHA256 Credential=local/20260101/{region}/dynamodb/aws4_request"
        headers = {"X-Amz-Target": f"{TARGET}{action}", "Authorization": credential, "Content-Type": CONTENT_TYPE}
        client = Client(self if self._store else self._application)
        response = client.post("/", "http://127.0.0.1", headers=headers, data=body)
        return response.status_code, json.loads(response.data or b"{}")

    def _keep(self, store: StreamStore, region: str, action: str, body: str) -> None:
        """Note which tables a request may have changed, keep its records, and save a table that it made or changed."""
        request = json.loads(body)
        name = str(request.get("TableName") or request.get("ResourceArn") or "").rpartition("/")[2]
        touched = {TableKey(region, each) for each in tables.names(region) if not name or each == name}
        self._changed |= touched
        if action.startswith(DEFINING):
            self._define(store, TableKey(region, name), action, body)
        for key in touched & {TableKey(region, each) for each in tables.names(region)}:
            stream = tables.stream_arn(key)
            if records := tables.new_records(key, store.last_position(stream)):
                store.append(stream, records)
                for reader in list(self._readers[stream]):
                    reader.set()

    def _define(self, store: StreamStore, key: TableKey, action: str, body: str) -> None:
        earlier = store.tables().get(key, {}).get("stream", "")
        if key.name in tables.names(key.region):
            tables.prepare_stream(key)
            self._definitions[key].append((action, body))
            self._changed.add(key)
        else:
            self._definitions.pop(key, None)
            self._changed.discard(key)
            store.delete_table(key)
        if earlier and earlier != tables.stream_arn(key):
            store.delete_records(earlier)
        self.save()

    def _save_regularly(self, closed: threading.Event) -> None:
        while not closed.wait(SAVE_SECONDS):
            # What could not be saved is tried again, and a clean stop says why.
            with suppress(sqlite3.Error):
                self.save()


def _answer(kind: str, message: str) -> Response:
    """Return an error that AWS's clients take to be a passing one, and try again."""
    return Response(
        json.dumps({"__type": kind, "message": message}), HTTPStatus.SERVICE_UNAVAILABLE, content_type=CONTENT_TYPE
    )
