"""Opens connections to one database: logs in, waits for a paused cluster, connects in the background at start-up."""

import logging
import select
import threading
import time
from collections.abc import Callable, Iterator
from math import isfinite

from aurora_lambda_runtime.database import aws
from aurora_lambda_runtime.database.contract import DatabaseSettings, parse_master_secret
from aurora_lambda_runtime.database.drivers import DriverConnection, driver
from aurora_lambda_runtime.database.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    LoginRefusedError,
    SecretUnavailableError,
    format_driver_error,
)

# A cluster at 0 ACU answers after about 15 s, after a day's pause about 30 s.
# Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
CONNECT_SECONDS = 35.0
# Between two attempts; a name that does not resolve yet, or a server that refuses while it restarts, takes a while.
PAUSE_SECONDS = 0.5
# libpq's shortest connection timeout.
MIN_CONNECT_SECONDS = 2.0
# After a shorter idle time nothing is asked of the server; it closes idle connections after 60 s.
IDLE_SECONDS = 10.0
# How long the first connection may wait for its first use; Aurora ends it then, and its age counts from that use.
MAX_PENDING_SECONDS = 60.0

log = logging.getLogger(__name__)


class Connector:
    """Opens autocommitting driver connections to the database in `settings`; SQLAlchemy's `creator` when called.

    Attributes:
        deadline: until when a connection may be waited for, on `time.monotonic`'s clock.
        failure: what the database or the way to it has answered last, if that was an error and nothing was committed
            since. A web framework turns exceptions into responses of its own, and this tells why.
        secret_retry_seconds: how long to wait for the permission to read the secret.
        tries_token: whether to try an IAM token when the secret's password is refused. RDS may ask for one from a role
            that is a member of `rds_iam`, even if only through a role that it has created.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings
        self.deadline = float("inf")
        self.failure: Exception | None = None
        self.secret_retry_seconds = 0.0
        self.tries_token = False
        self._driver = driver(settings.spec)
        self.password = settings.password
        self._pending: PendingConnection | None = None

    def __call__(self) -> DriverConnection:
        """Return the connection that `connect_in_background` opened if it is still good, else a new one."""
        try:
            return self._first_or_new()
        except DatabaseError as error:
            self.failure = error
            raise

    def _first_or_new(self) -> DriverConnection:
        pending, self._pending = self._pending, None
        if pending is None:
            return self.open()
        if not pending.done(self._remaining()):
            self._pending = pending
            raise self._unavailable("it has not answered yet")
        if pending.connection is None:
            return self.open()
        if pending.age() < MAX_PENDING_SECONDS and self.alive(pending.connection, pending.at):
            return pending.connection
        pending.connection.close()
        return self.open()

    def close(self) -> None:
        """Close the connection that `connect_in_background` opened and nobody took."""
        pending, self._pending = self._pending, None
        if pending and pending.done(CONNECT_SECONDS) and pending.connection:
            pending.connection.close()

    def connect_in_background(self) -> None:
        """Start opening the first connection while the caller goes on; a failure shows when it is asked for."""
        if self.settings.secret_arn and self.password is None:
            aws.load()
        self._pending = PendingConnection(self.open)

    def open(self, database: str | None = None) -> DriverConnection:
        """Return a new connection, to the settings' database unless another is named.

        A server that does not answer is tried again until the deadline; for 35 s where there is none.

        Raises:
            DatabaseError: it cannot be opened; the class says why.
        """
        name = self.settings.schema if database is None else database
        started, told = time.monotonic(), ""
        while True:
            try:
                return self._open_once(name)
            except DatabaseUnavailableError as error:
                # The deadline may be set meanwhile, by the first invocation.
                until = self.deadline if isfinite(self.deadline) else started + CONNECT_SECONDS
                if until - time.monotonic() < PAUSE_SECONDS + MIN_CONNECT_SECONDS:
                    raise
                if str(error) != told:
                    log.warning("waits for up to %.0f s more: %s", until - time.monotonic(), error)
                told = str(error)
                time.sleep(PAUSE_SECONDS)

    def alive(self, connection: DriverConnection, idle_since: float) -> bool:
        """Return whether a connection unused since `idle_since` still works; ask the server only after an idle gap.

        Times are `time.time`'s: `time.monotonic` may stop while an execution environment is frozen. A connection
        idle for less than `IDLE_SECONDS` is alive if its socket has nothing to read: a server that closes it says so.
        """
        try:
            if 0 <= time.time() - idle_since < IDLE_SECONDS and not _readable(self._driver.fileno(connection)):
                return True
            self._driver.ping(connection)
        except Exception as error:
            log.debug("connection given up: %s", type(error).__name__)
            return False
        return True

    def _open_once(self, database: str) -> DriverConnection:
        refused: LoginRefusedError | None = None
        for password in self._passwords():
            try:
                return self._log_in(database, password)
            except LoginRefusedError as error:
                refused = refused or error
        raise refused or AssertionError("unreachable")

    def _passwords(self) -> Iterator[str]:
        """Yield what to log in with, one after the other until one is taken."""
        settings = self.settings
        if settings.password is not None:
            yield settings.password
        elif settings.auth == "iam":
            yield self._token()
        else:
            yield self.password or self._read_password()
            yield self._read_password()  # Rotated since it was read.
            if self.tries_token:
                yield self._token()

    def _log_in(self, database: str, password: str) -> DriverConnection:
        remaining = self._remaining()
        if remaining <= 0:
            raise self._unavailable("no time is left to wait for it")
        timeout = max(MIN_CONNECT_SECONDS, min(CONNECT_SECONDS, remaining))
        try:
            return self._driver.connect(self.settings, password, timeout, database)
        except Exception as error:
            kind = self._driver.classify_error(error)
            text = format_driver_error(error)
            if issubclass(kind, DatabaseUnavailableError):
                raise self._unavailable(text, kind) from None
            raise kind(self._described(text)) from None

    def _token(self) -> str:
        """Return an IAM token, made anew for each connection: it lives 15 minutes."""
        settings = self.settings
        return settings.spec.sign_token(
            settings.endpoint, settings.port, settings.db_role, aws.region(), aws.credentials()
        )

    def _read_password(self) -> str:
        settings = self.settings
        retry_seconds = min(self.secret_retry_seconds, self._remaining())
        value = aws.get_secret(settings.secret_arn, retry_seconds=retry_seconds) if settings.secret_arn else None
        if value is None:
            raise SecretUnavailableError(
                f"the secret {settings.secret_arn or '(none named)'} holds no password for role {settings.db_role!r}:"
                " run `aurora-lambda migrate`, which puts one there"
            )
        self.password = parse_master_secret(value)[1]
        return self.password

    def _remaining(self) -> float:
        return self.deadline - time.monotonic()

    def _described(self, text: str) -> str:
        return f"{self._name()} as role {self.settings.db_role!r} ({self.settings.auth}): {text}"

    def _unavailable(
        self, text: str, kind: type[DatabaseUnavailableError] = DatabaseUnavailableError
    ) -> DatabaseUnavailableError:
        return kind(f"{self._name()} does not answer ({text}); it may be resuming: try again in a minute")

    def _name(self) -> str:
        return f"the database {self.settings.schema!r} at {self.settings.endpoint}:{self.settings.port}"


class PendingConnection:
    """A connection being opened by a thread of its own."""

    def __init__(self, opening: Callable[[], DriverConnection]) -> None:
        self.connection: DriverConnection | None = None
        self.at = 0.0
        self._opening = opening
        self._thread = threading.Thread(target=self._open, name="first-connection", daemon=True)
        self._thread.start()

    def done(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds, and return whether the attempt has ended."""
        self._thread.join(None if timeout == float("inf") else max(0.0, timeout))
        return not self._thread.is_alive()

    def age(self) -> float:
        """Return for how many seconds the connection has been open, by the wall's clock."""
        return time.time() - self.at

    def _open(self) -> None:
        try:
            self.connection = self._opening()
            self.at = time.time()
        except DatabaseError as error:
            log.debug("first connection: %s", error)


def _readable(fileno: int) -> bool:
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return bool(poll.poll(0))
