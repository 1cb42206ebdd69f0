"""Column types that mean the same on every engine."""

import importlib
from datetime import UTC, datetime
from typing import Any, Protocol, cast
from uuid import UUID

import sqlalchemy
from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from aurora_lambda_runtime.database.engines import engine_of_dialect

__all__ = ["LongText", "UtcTimestamp", "Uuid", "iso_utc"]


class _EngineTypes(Protocol):
    """What a module of `aurora_lambda_runtime.database.dialects` says of types."""

    NATIVE_UUID: bool
    UTC_TIMESTAMP: DateTime
    LONG_TEXT: TypeEngine[str]


def iso_utc(moment: datetime) -> str:
    """Return a moment as `2026-11-21T10:00:00.123456Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Uuid(TypeDecorator[UUID]):
    """An id: the engine's own type where each server that speaks its protocol has one, else `CHAR(32)`."""

    impl = sqlalchemy.Uuid
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sqlalchemy.Uuid(native_uuid=_engine_types(dialect).NATIVE_UUID))


class UtcTimestamp(TypeDecorator[datetime]):
    """A moment, to the microsecond: with its time zone where the engine keeps one, else in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_engine_types(dialect).UTC_TIMESTAMP)

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive value, which could mean any time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a timestamp needs a time zone: datetime.now(UTC)")
        return value if _engine_types(dialect).UTC_TIMESTAMP.timezone else value.astimezone(UTC).replace(tzinfo=None)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LongText(TypeDecorator[str]):
    """A text of up to 16 MB."""

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_engine_types(dialect).LONG_TEXT)


def _engine_types(dialect: Dialect) -> _EngineTypes:
    return cast(_EngineTypes, importlib.import_module(engine_of_dialect(dialect.name).dialect))
