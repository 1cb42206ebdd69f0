"""The one SQLAlchemy engine of an execution environment: a pool of one connection, opened when first needed."""

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DisconnectionError

from lambda_images.database.connector import Connector
from lambda_images.database.contract import Engine

registry.register("postgresql.lambda", "lambda_images.database.dialects.postgres", "LambdaPostgres")
registry.register("mysql.lambda", "lambda_images.database.dialects.mysql", "LambdaMysql")
URLS: Mapping[Engine, str] = {"postgres": "postgresql+lambda://", "mysql": "mysql+lambda://"}
# Each engine's own default; said outright, or the driver's autocommit would make every transaction a pretence.
LEVELS: Mapping[Engine, IsolationLevel] = {"postgres": "READ COMMITTED", "mysql": "REPEATABLE READ"}
# An invocation that holds the connection twice would wait for itself: say so soon.
POOL_SECONDS = 5
USED = "used at"


def lambda_engine(connector: Connector) -> sqlalchemy.Engine:
    """An engine whose only connection is made by `connector` and replaced, before use, when it no longer works.

    `engine.begin()` is a transaction, as ever. For work of one statement use `autocommit(engine)`: one message
    to the server instead of three.
    """
    name = connector.settings.engine
    engine = create_engine(
        URLS[name],
        creator=connector,
        isolation_level=LEVELS[name],
        pool_size=1,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        # What users wrote has no place in a log.
        hide_parameters=True,
    )

    @event.listens_for(engine, "checkin")
    def note_use(_connection: Any, record: Any) -> None:
        record.info[USED] = time.time()

    @event.listens_for(engine, "checkout")
    def replace_dead(connection: Any, record: Any, _proxy: Any) -> None:
        used = record.info.get(USED)
        if used is not None and not connector.alive(connection, used):
            raise DisconnectionError("the pooled connection was closed by the server")

    return engine


def autocommit(engine: sqlalchemy.Engine) -> sqlalchemy.Engine:
    """The same engine and pool, each statement committing itself."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")
