"""The one SQLAlchemy engine of an execution environment: a pool of one connection, opened when first needed."""

import logging
import time
from weakref import WeakKeyDictionary, ref

import sqlalchemy
from sqlalchemy import Connection, Dialect, create_engine, event, exc, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection, QueuePool, StaticPool

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.drivers import DriverConnection
from aurora_lambda_runtime.database.engines import ENGINES, EngineSpec

# An invocation that checks out a second connection would wait for its own first one: fail soon.
POOL_SECONDS = 5
USED = "used at"
# The connection of each pool that is in use; one that nothing holds any more returns by itself.
lent: WeakKeyDictionary[Pool, ref[PoolProxiedConnection]] = WeakKeyDictionary()

log = logging.getLogger(__name__)

for _spec in ENGINES.values():
    registry.register(_spec.sqlalchemy_url.removesuffix("://").replace("+", "."), _spec.dialect, "LambdaDialect")


class OneConnection(QueuePool):
    """A pool of one connection, which says so to whoever asks for another."""

    def connect(self) -> PoolProxiedConnection:
        """Return the connection."""
        try:
            return super().connect()
        except exc.TimeoutError:
            raise exc.TimeoutError(
                "the one connection of this environment is in use, by a session or a transaction that is still open:"
                " go on with that one, or commit or close it first"
            ) from None


def lambda_engine(connector: Connector) -> sqlalchemy.Engine:
    """Return an engine whose only connection is made by `connector` and replaced, before use, when it no longer works.

    For work of one statement use `autocommit(engine)`: one message to the server instead of a transaction's three.
    """
    spec = connector.settings.spec
    engine = create_engine(
        spec.sqlalchemy_url,
        creator=connector,
        isolation_level=spec.isolation_level,
        poolclass=OneConnection,
        pool_size=1,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_recycle=spec.connection_seconds or -1,
        # Keep users' data out of logs.
        hide_parameters=True,
    )

    @event.listens_for(engine, "checkin")
    def note_use(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[USED] = time.time()

    @event.listens_for(engine, "checkout")
    def replace_dead(connection: DriverConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        used = record.info.get(USED)
        if used is not None and not connector.alive(connection, used):
            raise DisconnectionError("the pooled connection was closed by the server")
        lent[engine.pool] = ref(proxy)

    @event.listens_for(engine, "handle_error")
    def note_failure(context: ExceptionContext) -> None:
        connector.failure = context.sqlalchemy_exception

    @event.listens_for(engine, "commit")
    def forget_failure(_connection: Connection) -> None:
        connector.failure = None

    return engine


def take_back(engine: sqlalchemy.Engine) -> None:
    """Return to the pool the connection that an invocation has left open, whoever still holds it; roll it back.

    The next invocation would wait for it in vain.
    """
    noted = lent.pop(engine.pool, None)
    proxy = noted() if noted else None
    if proxy and proxy.is_valid:
        log.warning("a connection was left open and is taken back: use it within `with`, and keep it in no global")
        proxy.close()


def engine_on(connection: DriverConnection, spec: EngineSpec) -> sqlalchemy.Engine:
    """Return an engine for DDL on a connection that is there, which it leaves open.

    Where DDL is not part of a transaction, each statement commits itself.
    """
    level = spec.isolation_level if spec.transactional_ddl else "AUTOCOMMIT"
    return create_engine(spec.sqlalchemy_url, creator=lambda: connection, poolclass=StaticPool, isolation_level=level)


def offline_dialect(spec: EngineSpec) -> Dialect:
    """Return the dialect with which SQL is rendered where no server answers."""
    return make_url(spec.sqlalchemy_url).get_dialect()()


def autocommit(engine: sqlalchemy.Engine) -> sqlalchemy.Engine:
    """Return the same engine and pool, each statement committing itself."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")
