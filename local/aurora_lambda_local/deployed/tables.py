"""Tables of the database that is up: their rows a page at a time, and changes to one row, on every engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from aurora_lambda_local.deployed.sql import OpenDatabase, as_text
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_runtime.database.quoting import quoted
from aurora_lambda_runtime.migrations.servers import mysql

# What the migration runner keeps for itself.
RUNNERS_TABLES = ("alembic_version", "migration_checksums", "migration_lease", "migration_progress")
BINARY_TYPES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bytea")
PAGE_ROWS = 50
# More rows than this are not counted to the end.
COUNTED_ROWS = 10_000
OPERATORS = {
    "=": "{column} = %s",
    "contains": "LOWER(CONCAT({column}, '')) LIKE LOWER(%s)",
    "<": "{column} < %s",
    ">": "{column} > %s",
    "is null": "{column} IS NULL",
    "is not null": "{column} IS NOT NULL",
}
WITHOUT_OPERAND = ("is null", "is not null")
# A row as text; None is NULL.
Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Column:
    """A column; a key's columns tell rows apart."""

    name: str
    type: str
    nullable: bool
    has_default: bool
    in_key: bool

    def value(self, text: str | None) -> object:
        """Return the value that a text stands for; bytes are typed in hexadecimal digits.

        Raises:
            UsageError: they are not.
        """
        if text is None or self.type not in BINARY_TYPES:
            return text
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise UsageError(
                f"{self.name} takes bytes as hexadecimal digits, such as 00ff, not {text[:20]!r}"
            ) from None


@dataclass(frozen=True)
class Selection:
    """Which rows: those of which a column fulfils a condition, in the order of a column; empty means all, by key."""

    column: str = ""
    operator: str = "="
    operand: str = ""
    order: str = ""
    descending: bool = False
    page: int = 1


@dataclass(frozen=True)
class Page:
    """A page of rows; `count` is how many there are in all, at most `COUNTED_ROWS` + 1."""

    rows: Sequence[Row]
    count: int
    has_next: bool


class Table:
    """A table of an open database."""

    def __init__(self, database: OpenDatabase, name: str) -> None:
        """Read what columns it has.

        Raises:
            UsageError: there is no such table.
        """
        self._database, self.name = database, name
        self._quote = mysql.quoted if database.settings.engine == "mysql" else quoted
        if name not in table_names(database):
            raise UsageError(f"there is no table {name!r} here; there are: {', '.join(table_names(database))}")

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns by name, in their order."""
        schema = _schema(self._database)
        keys = self._all(
            "SELECT k.column_name FROM information_schema.table_constraints c"  # noqa: S608
            " JOIN information_schema.key_column_usage k ON k.constraint_name = c.constraint_name"
            " AND k.table_schema = c.table_schema AND k.table_name = c.table_name"
            f" WHERE c.constraint_type = 'PRIMARY KEY' AND c.table_schema = {schema} AND c.table_name = %s",
            [self.name],
        )
        found = self._all(
            "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns"  # noqa: S608
            f" WHERE table_schema = {schema} AND table_name = %s ORDER BY ordinal_position",
            [self.name],
        )
        return {
            str(name): Column(
                str(name), str(type_), nullable == "YES", default is not None, (name,) in map(tuple, keys)
            )
            for name, type_, nullable, default in found
        }

    @property
    def key(self) -> list[str]:
        """The columns of its primary key."""
        return [column.name for column in self.columns.values() if column.in_key]

    @property
    def is_editable(self) -> bool:
        """Whether a row can be changed here: it has a key, and is not the migration runner's."""
        return bool(self.key) and self.name not in RUNNERS_TABLES

    def page(self, chosen: Selection) -> Page:
        """Return a page of rows.

        Raises:
            UsageError: it has no such column, or there is no such operator.
            LocalError: the database refuses the condition.
        """
        where, operands = self._condition(chosen)
        order = [self._column(chosen.order) + (" DESC" if chosen.descending else "")] if chosen.order else []
        order += [self._column(name) for name in self.key if name != chosen.order]
        by = f" ORDER BY {', '.join(order)}" if order else ""
        limit = f" LIMIT {PAGE_ROWS + 1} OFFSET {PAGE_ROWS * (chosen.page - 1)}"
        rows = self._rows(f"{where}{by}{limit}", operands)
        counted = f"SELECT 1 AS one FROM {self._quote(self.name)}{where} LIMIT {COUNTED_ROWS + 1}"  # noqa: S608
        [[count]] = self._all(f"SELECT COUNT(*) FROM ({counted}) AS counted", operands)  # noqa: S608
        return Page(rows[:PAGE_ROWS], int(str(count)), len(rows) > PAGE_ROWS)

    def row(self, key: Row) -> Row:
        """Return one row.

        Raises:
            UsageError: there is none with this key.
        """
        where, values = self._one(key)
        if not (rows := self._rows(where, values)):
            raise UsageError(f"{self.name} has no such row any more")
        return rows[0]

    def insert(self, row: Row) -> None:
        """Insert a row; columns that it leaves out get their defaults.

        Raises:
            UsageError: rows of this table are not changed here.
            LocalError: the database refuses it.
        """
        self._require_editable()
        names, marks = ", ".join(map(self._column, row)), ", ".join(["%s"] * len(row))
        self._database.run(
            f"INSERT INTO {self._quote(self.name)} ({names}) VALUES ({marks})",  # noqa: S608
            self._values(row),
        )

    def update(self, key: Row, row: Row, seen: Row) -> None:
        """Change what differs in a row from what somebody saw of it.

        Raises:
            UsageError: it is not the row any more that was seen, or rows of this table are not changed here.
            LocalError: the database refuses the change.
        """
        self._require_editable()
        # Of lines a form tells the text alone, not how they end.
        before = {name: text and text.replace("\r\n", "\n") for name, text in seen.items()}
        changed = {name: text for name, text in row.items() if text != before.get(name)}
        if any(seen.get(name) != text for name, text in self.row(key).items()):
            raise UsageError("the row has been changed meanwhile, and nothing was saved: open it again")
        if not changed:
            return
        where, values = self._one(key)
        sets = ", ".join(f"{self._column(name)} = %s" for name in changed)
        self._database.run(f"UPDATE {self._quote(self.name)} SET {sets}{where}", [*self._values(changed), *values])  # noqa: S608

    def delete(self, key: Row) -> None:
        """Delete a row.

        Raises:
            UsageError: there is none with this key, or rows of this table are not changed here.
            LocalError: the database refuses it, because others refer to it, say.
        """
        self._require_editable()
        self.row(key)
        where, values = self._one(key)
        self._database.run(f"DELETE FROM {self._quote(self.name)}{where}", values)  # noqa: S608

    def _require_editable(self) -> None:
        if not self.is_editable:
            raise UsageError(f"rows of {self.name} are not changed here: it has no key, or is the migration runner's")

    def _column(self, name: str) -> str:
        if name not in self.columns:
            raise UsageError(f"{self.name} has no column {name!r}; it has {', '.join(self.columns)}")
        return self._quote(name)

    def _condition(self, chosen: Selection) -> tuple[str, list[object]]:
        if not chosen.column:
            return "", []
        if chosen.operator not in OPERATORS:
            raise UsageError(f"there is no operator {chosen.operator!r}; there are: {', '.join(OPERATORS)}")
        where = f" WHERE {OPERATORS[chosen.operator].format(column=self._column(chosen.column))}"
        if chosen.operator in WITHOUT_OPERAND:
            return where, []
        if chosen.operator == "contains":
            return where, [f"%{chosen.operand}%"]
        return where, self._values({chosen.column: chosen.operand})

    def _one(self, key: Row) -> tuple[str, list[object]]:
        """Return the condition for the row of a key, of which every column must be given: no two rows fulfil it."""
        if not self.key or {*key} != {*self.key}:
            raise UsageError(f"a row of {self.name} is told by {', '.join(self.key) or 'no key'}")
        return f" WHERE {' AND '.join(f'{self._column(name)} = %s' for name in key)}", self._values(key)

    def _values(self, row: Row) -> list[object]:
        return [self.columns[name].value(text) for name, text in row.items()]

    def _rows(self, rest: str, parameters: Sequence[object]) -> list[Row]:
        names = ", ".join(map(self._quote, self.columns))
        rows = self._all(f"SELECT {names} FROM {self._quote(self.name)}{rest}", parameters)  # noqa: S608
        texts = ([None if value is None else as_text(value) for value in row] for row in rows)
        return [dict(zip(self.columns, row, strict=True)) for row in texts]

    def _all(self, query: str, parameters: Sequence[object]) -> Sequence[Sequence[object]]:
        return self._database.run(query, parameters)[1]


def table_names(database: OpenDatabase) -> list[str]:
    """Return the tables of a database, the application's first."""
    _, rows, _ = database.run(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = {_schema(database)}"  # noqa: S608
        " AND table_type = 'BASE TABLE'"
    )
    return sorted((str(name) for (name,) in rows), key=lambda name: (name in RUNNERS_TABLES, name))


def _schema(database: OpenDatabase) -> str:
    return "DATABASE()" if database.settings.engine == "mysql" else "CURRENT_SCHEMA()"
