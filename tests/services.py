"""What tests do about services this machine may lack, and about things they watch from outside."""

import os
import socket
import threading
from contextlib import closing
from typing import Never

import pytest

REQUIRED = "AURORA_LAMBDA_REQUIRE_SERVICES"


def missing(reason: str) -> Never:
    """Skip the test, or fail it where services are promised: a skip there would be a hole nobody sees."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason} ({REQUIRED}=1)")
    pytest.skip(reason)


def require(there: object, reason: str) -> None:
    """Go on only if the service is there."""
    if not there:
        missing(reason)


class CountingProxy:
    """A TCP proxy that counts round trips: each time the client speaks after the server has spoken, or first."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.round_trips = 0
        self.connections = 0
        self._server_spoke_last = True
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> int:
        """The round trips since this was last asked."""
        count, self.round_trips = self.round_trips, 0
        return count

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._target))
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        with closing(source), closing(target):
            while data := _received(source):
                if from_client and self._server_spoke_last:
                    self.round_trips += 1
                self._server_spoke_last = not from_client
                target.sendall(data)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
