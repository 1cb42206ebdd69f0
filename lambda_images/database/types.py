"""Column types that mean the same on every engine."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import DateTime
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

__all__ = ["UtcTimestamp", "Uuid", "iso_utc"]


def iso_utc(moment: datetime) -> str:
    """`2026-11-21T10:00:00.123456Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Uuid(TypeDecorator[UUID]):
    """An id: `uuid` on PostgreSQL, `CHAR(32)` on MySQL and on MariaDB, whose own type MySQL lacks."""

    impl = sqlalchemy.Uuid
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sqlalchemy.Uuid(native_uuid=dialect.name == "postgresql"))


class UtcTimestamp(TypeDecorator[datetime]):
    """A moment, to the microsecond: `timestamptz` on PostgreSQL, a `DATETIME(6)` holding UTC on MySQL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        from sqlalchemy.dialects.mysql import DATETIME  # noqa: PLC0415 - PostgreSQL has no use for that dialect

        return dialect.type_descriptor(DATETIME(fsp=6))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a naive value, which could mean any time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a timestamp needs a time zone: datetime.now(UTC)")
        return value if dialect.name == "postgresql" else value.astimezone(UTC).replace(tzinfo=None)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.replace(tzinfo=UTC)
