"""The tables, which `aurora-lambda new-migration` compares with the database that runs here."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from aurora_lambda_runtime.database.types import UtcTimestamp, Uuid

TEXT_LENGTH = 200


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


metadata = Base.metadata


class Note(Base):
    __tablename__ = "notes"

    # Ids and times are made here rather than by the server: an insert is one message, on every engine.
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4)
    text: Mapped[str] = mapped_column(String(TEXT_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UtcTimestamp, default=lambda: datetime.now(UTC))
