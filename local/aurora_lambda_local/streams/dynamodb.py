"""DynamoDB as moto emulates it, with tables and streams that outlive this process.

Every request to moto's server passes through here. What a request changed is on the disk before it is answered.
"""

import io
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug import Response
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.streams import destinations, tables
from aurora_lambda_local.streams.requests import BATCH_WRITE, DEFINING, changed_keys, table_name
from aurora_lambda_local.streams.store import StreamStore, TableKey

TARGET = "DynamoDB_20120810."
DEFAULT_REGION = "us-east-1"
UNAVAILABLE = Response(
    json.dumps({"__type": "ServiceUnavailable", "message": "the stack is not up yet: try again in a moment"}),
    HTTPStatus.SERVICE_UNAVAILABLE,
    content_type="application/x-amz-json-1.0",
)
_REGION = re.compile(r"Credential=[^/]+/\d+/([\w-]+)/")


class DurableDynamoDb:
    """A WSGI application around moto's that stores what is written, once a store is opened."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._store: StreamStore | None = None
        self._lock = threading.RLock()
        self._readers: defaultdict[str, set[threading.Event]] = defaultdict(set)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if self._store is None:
            # A write before a stack's store is open would be answered and lost; AWS's clients try this again. The other
            # services are in memory, and promise no more.
            application = UNAVAILABLE if target.startswith("DynamoDB") else self._application
            return application(environ, start_response)
        if not target.startswith(TARGET):
            response = self._application(environ, start_response)
            destinations.forget_removed(self._store)
            return response
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        region = _REGION.search(environ.get("HTTP_AUTHORIZATION", ""))
        action = target.removeprefix(TARGET)
        response = self._write(self._store, environ, region[1] if region else DEFAULT_REGION, action, body.decode())
        start_response(response[1], response[2].to_wsgi_list())
        return response[0]

    def open(self, store: StreamStore) -> None:
        """Bring back what a store holds, and keep what happens to it from now on."""
        with self._lock:
            for table, action, body in store.requests():
                self._send(table.region, action, body)
            for table in dict.fromkeys(table for table, _, _ in store.requests()):
                tables.restore(store, table)
            destinations.deliver(store)
            self._store = store

    def close(self) -> None:
        """Forget all tables here; they stay in the store."""
        with self._lock:
            self._store = None
            tables.forget_all()
            destinations.forget_all()

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
        if self._store:
            tables.set_stream_label(self._store, TableKey(region, name), label)

    def notify(self, stream: str, reader: threading.Event) -> None:
        """Set `reader` whenever something is written to a stream."""
        self._readers[stream].add(reader)

    def forget(self, stream: str, reader: threading.Event) -> None:
        """Set `reader` no more."""
        self._readers[stream].discard(reader)

    def _send(self, region: str, action: str, body: str) -> tuple[int, dict[str, Any]]:
        credential = f"AWS4-HMAC-SHA256 Credential=local/20260101/{region}/dynamodb/aws4_request"
        headers = Headers({"X-Amz-Target": f"{TARGET}{action}", "Authorization": credential})
        builder = EnvironBuilder(
            "/",
            "http://127.0.0.1",
            method="POST",
            headers=headers,
            data=body,
            content_type="application/x-amz-json-1.0",
        )
        application = self if self._store else self._application
        chunks, status, _ = run_wsgi_app(application, builder.get_environ(), buffered=True)
        return int(status.partition(" ")[0]), json.loads(b"".join(chunks) or b"{}")

    def _write(
        self, store: StreamStore, environ: WSGIEnvironment, region: str, action: str, body: str
    ) -> tuple[Iterable[bytes], str, Headers]:
        changes = changed_keys(action, body)
        if action not in DEFINING and changes == {}:
            return run_wsgi_app(self._application, environ, buffered=True)
        with self._lock:
            names = tables.names(region) if changes is None else list(changes)
            before = {name: tables.stream_length(TableKey(region, name)) for name in names}
            response = run_wsgi_app(self._application, environ, buffered=True)
            succeeded = response[1].startswith("200")
            if not succeeded and action != BATCH_WRITE:
                return response
            with store.transaction():
                if action in DEFINING:
                    tables.keep_definition(store, TableKey(region, table_name(body)), action, body)
                for name, length in before.items():
                    # A batch that is refused may have been written in part.
                    keys = changes[name] if changes and succeeded else None
                    if stream := tables.keep_changes(store, TableKey(region, name), keys, length):
                        self._wake_readers(stream)
        return response

    def _wake_readers(self, stream: str) -> None:
        for reader in list(self._readers[stream]):
            reader.set()
