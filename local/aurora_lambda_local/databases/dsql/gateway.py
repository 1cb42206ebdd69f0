"""Takes connections as Aurora DSQL does: over TLS, with a server name, for a role that a signed token may use."""

import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import trustme
from psycopg import sql

from aurora_lambda_local.databases.dsql.cluster import Cluster
from aurora_lambda_local.databases.dsql.errors import ConnectionDroppedError, DsqlError, access_denied, refused_login
from aurora_lambda_local.databases.dsql.protocol import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    MAX_LOGIN_BYTES,
    SSL_REQUEST,
    VERSION,
    Message,
    MessageSocket,
    error_response,
    parameter_status,
    ready,
    startup_parameters,
)
from aurora_lambda_local.databases.dsql.rules import refused_setting
from aurora_lambda_local.databases.dsql.session import Session
from aurora_lambda_local.databases.dsql.statements import SERVER_VERSION
from aurora_lambda_local.databases.dsql.storage import Storage, StorageConnection, StorageLostError
from aurora_lambda_local.databases.dsql.tokens import ADMIN, Identity, verify_token
from aurora_lambda_local.databases.dsql.transaction import Transaction

TLS_HANDSHAKE = b"\x16"
CLEAR_TEXT_PASSWORD = Message(b"R", b"\0\0\0\3")
LOGIN_SECONDS = 30
OPTION = re.compile(r"(?:^|(?<=\s))(?:-c\s*|--)([\w.]+)\s*=")
# A setting of DSQL's own, which PostgreSQL takes only under a name with a prefix.
OWN_SETTING = "disable_sync_create_index"


@dataclass(frozen=True)
class Endpoint:
    """What connections are checked against: the names tokens are signed for, and who may sign."""

    hosts: Sequence[str]
    region: str
    identities: Mapping[str, Identity]
    authority: trustme.CA = field(default_factory=trustme.CA)


class Gateway(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1, a thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, endpoint: Endpoint, storage: Storage, cluster: Cluster) -> None:
        self.endpoint = endpoint
        self.storage = storage
        self.cluster = cluster
        self._names = threading.local()
        self._context = self._tls()
        self._clients: set[MessageSocket] = set()
        super().__init__(("127.0.0.1", port), socketserver.BaseRequestHandler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Return whether it listens."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Listen no more, and end all connections."""
        self.shutdown()
        self.server_close()
        self.end_connections()

    def end_connections(self) -> None:
        """End all connections, and go on listening."""
        for client in list(self._clients):
            client.shut_down()

    def check_name(self, name: str) -> None:
        """Refuse a client that names no cluster or another one (SNI).

        Raises:
            DsqlError: it does.
        """
        if not name:
            raise refused_login("sni was not received")
        if name not in self.endpoint.hosts:
            raise access_denied(f"There is no cluster {name}.")

    def new_transaction(self, storage: StorageConnection) -> Transaction:
        """Return the transactions of a new session."""
        return Transaction(storage, self.cluster)

    def finish_request(self, request: object, client_address: object) -> None:
        """Serve a client, on its own thread, until either side ends the connection."""
        assert isinstance(request, socket.socket), client_address
        request.settimeout(LOGIN_SECONDS)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionDroppedError, OSError):
            client = self._encrypted(request)
            self._clients.add(client)
            try:
                self._serve(client)
            except DsqlError as error:
                client.send([error_response(error)])
            except StorageLostError as lost:
                client.send([lost.response])
            finally:
                self._clients.discard(client)
                client.close()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["postgresql"])
        context.sni_callback = self._note_name
        self.endpoint.authority.issue_cert(*self.endpoint.hosts).configure_cert(context)
        return context

    def _note_name(self, _connection: object, name: str | None, _context: object) -> None:
        # The handshake runs on the thread of the connection.
        self._names.server_name = name or ""

    def _encrypted(self, connection: socket.socket) -> MessageSocket:
        """Return the connection once it is encrypted, as libpq asks for it or directly."""
        plain = MessageSocket(connection)
        while connection.recv(1, socket.MSG_PEEK) != TLS_HANDSHAKE:
            code, body = plain.receive_startup()
            if code == CANCEL_REQUEST:
                self.storage.cancel(body)
            elif code not in {SSL_REQUEST, GSS_REQUEST}:
                plain.send([error_response(refused_login("tls is required"))])
            if code not in {SSL_REQUEST, GSS_REQUEST}:
                raise ConnectionDroppedError
            connection.sendall(b"S" if code == SSL_REQUEST else b"N")
        self._names.server_name = ""
        return MessageSocket(self._context.wrap_socket(connection, server_side=True), MAX_LOGIN_BYTES)

    def _serve(self, client: MessageSocket) -> None:
        code, body = client.receive_startup()
        if code == CANCEL_REQUEST:
            self.storage.cancel(body)
            return
        parameters = startup_parameters(body)
        settings = _settings(parameters)
        self.check_name(self._names.server_name)
        client.send([CLEAR_TEXT_PASSWORD])
        token = client.receive().body.rstrip(b"\0").decode(errors="replace")
        storage = self._log_in(parameters, settings, token)
        client.limit = self.cluster.limits.message_bytes
        transaction = self.new_transaction(storage)
        try:
            client.send([*_greeting(code, storage), ready("I")])
            client.end_after(self.cluster.limits.connection_seconds)
            Session(client, transaction).run()
        finally:
            transaction.close()

    def _log_in(self, parameters: Mapping[str, str], settings: Mapping[str, str], token: str) -> StorageConnection:
        user, host = parameters.get("user", ""), self._names.server_name
        identity = verify_token(token, user, host, self.endpoint.region, self.endpoint.identities)
        if user != ADMIN and not self._mapped(user, identity.arn):
            raise access_denied(f"User: {identity.arn} is not authorized to access this resource", "28000")
        return self.storage.connect(user, settings, parameters.get("database", user))

    def _mapped(self, user: str, arn: str) -> bool:
        # Wait for a session that is granting, because a login is not tried again.
        connection = self.storage.connect(settings={"lock_timeout": "0"})
        try:
            text = "SELECT 1 FROM sys.iam_pg_role_mappings WHERE pg_role_name = {} AND arn = {}"
            replies = connection.execute(sql.SQL(text).format(sql.Literal(user), sql.Literal(arn)).as_string())
            return any(each.type == b"D" for each in replies)
        finally:
            connection.close()


def _settings(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return what a startup packet sets for the session, `options` as they are: PostgreSQL reads them, too.

    Raises:
        DsqlError: DSQL does not let a session set it.
    """
    settings = {name: value for name, value in parameters.items() if name not in {"user", "database"}}
    for name in [*settings, *OPTION.findall(settings.get("options", ""))]:
        if name != "options" and (unsupported := refused_setting(name)):
            raise DsqlError(unsupported.sqlstate, unsupported.message, fatal=True)
    return {name: value.replace(OWN_SETTING, f"dsql.{OWN_SETTING}") for name, value in settings.items()}


def _greeting(code: int, storage: StorageConnection) -> list[Message]:
    """Return what follows a login: PostgreSQL's own messages, with the version of server and protocol that DSQL has."""
    negotiated = [] if code == VERSION else [Message(b"v", struct.pack("!ii", VERSION, 0))]
    version = parameter_status("server_version", SERVER_VERSION)
    reported = [version if each.body.startswith(b"server_version\0") else each for each in storage.greeting]
    return [*negotiated, *reported]
