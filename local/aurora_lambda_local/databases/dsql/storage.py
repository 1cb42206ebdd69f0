"""The PostgreSQL that keeps a stand-in's data: only the gateway reaches it, through a socket in the data directory."""

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aurora_lambda_local.databases.dsql.errors import ConnectionDroppedError
from aurora_lambda_local.databases.dsql.protocol import (
    CANCEL_REQUEST,
    Message,
    MessageSocket,
    query,
    startup,
    startup_packet,
)
from aurora_lambda_local.databases.postgres import PostgresServer

CATALOG = Path(__file__).with_name("catalog.sql")
DATABASE = "postgres"
SUPERUSER = "postgres"
# Takes the request for the data of a COPY, and returns the messages with it.
CopiedData = Callable[[Message], Sequence[Message]]
ACCESS = "local all all trust\n"
# A statement that waits longer than this for a lock waits for another transaction, which DSQL never does.
SETTINGS = {
    "lock_timeout": "20ms",
    "deadlock_timeout": "5ms",
    "client_min_messages": "notice",
    "max_connections": "300",
    "listen_addresses": "",
}


class StorageLostError(ConnectionDroppedError):
    """PostgreSQL has ended the connection; `response` is its last message."""

    def __init__(self, response: Message) -> None:
        super().__init__(response.fields["M"])
        self.response = response


class Storage(PostgresServer):
    """PostgreSQL without a TCP port; the gateway has checked whoever it connects as."""

    def start(self, port: int | None = None) -> None:
        """Start the server, and give it what DSQL has besides PostgreSQL's catalogs."""
        super().start(port)
        with self.superuser() as connection:
            connection.execute(CATALOG.read_bytes())

    def connect(
        self, user: str = SUPERUSER, settings: Mapping[str, str] | None = None, database: str = DATABASE
    ) -> "StorageConnection":
        """Return a new connection as `user`, its session begun with `settings`.

        Raises:
            StorageLostError: PostgreSQL refuses it.
        """
        return StorageConnection(self._open(), {"user": user, "database": database, **(settings or {})})

    def cancel(self, key: bytes) -> None:
        """Cancel what a connection is doing; its key is the one that PostgreSQL gave it."""
        with self._open() as connection:
            connection.sendall(startup_packet(CANCEL_REQUEST, key))

    def _open(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        with self._socket_directory() as directory:
            connection.connect(f"{directory}/.s.PGSQL.{self.port}")
        return connection

    def _prepare(self) -> None:
        super()._prepare()
        (self.cluster / "pg_hba.conf").write_text(ACCESS)

    def _command(self) -> list[str]:
        return [*super()._command(), *(word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}"))]


class StorageConnection:
    """One session of PostgreSQL: messages are sent, then all replies are read."""

    def __init__(self, connection: socket.socket, parameters: Mapping[str, str]) -> None:
        self._socket = MessageSocket(connection)
        connection.sendall(startup(parameters))
        try:
            self.greeting = self._replies()
        except ConnectionDroppedError:
            self.close()
            raise

    def exchange(self, *messages: Message, copied: CopiedData | None = None) -> list[Message]:
        """Send messages and return the replies up to ReadyForQuery, which is left out.

        Where PostgreSQL asks for the data of a COPY, `copied` is called for it.
        """
        sync = () if messages[-1].type == b"Q" else (Message(b"S"),)
        self._socket.send((*messages, *sync))
        replies = self._replies()
        if replies and replies[-1].type == b"G" and copied:
            # PostgreSQL ignores a Sync while it copies: send it again.
            self._socket.send((*copied(replies.pop()), *sync))
            replies += self._replies()
        return replies

    def execute(self, sql: str) -> list[Message]:
        """Run statements of the gateway's own."""
        return self.exchange(query(sql))

    def close(self) -> None:
        """End the session."""
        self._socket.close()

    def _replies(self) -> list[Message]:
        replies: list[Message] = []
        while True:
            message = self._socket.receive()
            if message.type == b"Z":
                return replies
            replies.append(message)
            if message.type == b"G":
                return replies
            if message.type == b"E" and message.fields["S"] in {"FATAL", "PANIC"}:
                raise StorageLostError(message)
