"""Tables that not every engine can keep: told when a revision is written, and not when it is deployed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, String, Table, UniqueConstraint
from sqlalchemy.schema import SchemaItem, conv

from aurora_lambda_runtime.database.types import LongText, Uuid
from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.histories import History
from tests.images.runs import create_revision

pytestmark = pytest.mark.slow
LONG = "x" * 64
KEY = "nothing was written: a key of MySQL holds 3,072 bytes, and that of "
SHORTER = (
    ", 4 a character. Declare a shorter String(...), or give an index mysql_length=..., the number of characters that"
    " it holds"
)
LARGE = (
    "nothing was written: MySQL indexes no column of a type as large as that of teas.a. Declare a String(...) of a"
    " length, or give an index mysql_length=..., the number of characters that it holds"
)
CONDITION = (
    "CHECK ck_teas_{0} of teas is a column alone, which is no condition on MySQL: write it as text, '{0} = true'"
)
Declared = Callable[[], list[SchemaItem]]


def referring(theirs: sa.types.TypeEngine, ours: sa.types.TypeEngine) -> list[SchemaItem]:
    return [Column("a", theirs, unique=True), Column("b", ours, ForeignKey("teas.a"))]


REFUSED: dict[str, tuple[Declared, str]] = {
    "index": (
        lambda: [Column("a", String(769), index=True)],
        f"{KEY}teas.a may take 3,076{SHORTER}",
    ),
    "index of two": (
        lambda: [Column("a", String(400)), Column("b", String(400)), Index("ix", "a", "b")],
        f"{KEY}teas.a, teas.b may take 3,200{SHORTER}",
    ),
    "unique": (lambda: [Column("a", String(800), unique=True)], f"{KEY}teas.a may take 3,200{SHORTER}"),
    "large": (lambda: [Column("a", LongText, index=True)], LARGE),
    "json": (lambda: [Column("a", sa.JSON), UniqueConstraint("a")], LARGE),
    "row": (
        lambda: [Column("a", String(16_384))],
        "nothing was written: a row of MySQL holds 65,535 bytes, and the columns of teas may take 65,664, 4 a"
        " character. Let a be a Text, or LongText of database.types, of which the row holds a pointer",
    ),
    "wider integer": (
        lambda: referring(sa.BigInteger(), Integer()),
        "nothing was written: teas.b refers to teas.a, and the one is INTEGER and the other BIGINT on mysql, which not"
        " every engine takes. Give both the same type",
    ),
    "uuid": (
        lambda: referring(Uuid(), String(32)),
        "nothing was written: teas.b refers to teas.a, and the one is CHAR and the other UUID on postgres, which not"
        " every engine takes. Give both the same type",
    ),
    "text": (
        lambda: [Column("a", sa.Text(100))],
        "nothing was written: the Text of column a has a length, which PostgreSQL refuses. Write String(100), or Text"
        " without a length",
    ),
    "string": (
        lambda: [Column("a", String)],
        "nothing was written: the String of column a has no length, which MySQL refuses. Write String(100) or the like,"
        " or Text",
    ),
    "condition": (
        lambda: [Column("a", sa.Boolean), CheckConstraint("a", name="a")],
        CONDITION.format("a"),
    ),
    "boolean": (
        lambda: [Column("a", sa.Boolean(name="a", create_constraint=True))],
        "column teas.a is a Boolean with create_constraint, which makes a CHECK on MySQL alone, so that its drop would"
        " stop the other engines: leave create_constraint out",
    ),
    "enum": (
        lambda: [Column("aB", sa.Enum("a", name="a", native_enum=False, create_constraint=True))],
        "nothing was written: the CHECK of the Enum of column aB names it in quotes, which differ between the engines."
        " Choose a name that needs none, in small letters, or leave create_constraint out",
    ),
    "comment": (
        lambda: [Column("a", Integer, comment="a \N{TEACUP WITHOUT HANDLE}")],
        "nothing was written: MySQL keeps a ? in place of \N{TEACUP WITHOUT HANDLE} in the comment"
        " 'a \N{TEACUP WITHOUT HANDLE}'. Leave it out",
    ),
    "column": (
        lambda: [Column(LONG, Integer)],
        f"nothing was written: PostgreSQL keeps 63 bytes of a name, and {LONG} has 64. Choose a shorter one",
    ),
    "umlauts": (
        lambda: [Column("ä" * 32, Integer)],
        f"nothing was written: PostgreSQL keeps 63 bytes of a name, and {'ä' * 32} has 64. Choose a shorter one",
    ),
}


def declaration(*parts: SchemaItem) -> Callable[[MetaData], object]:
    return lambda code: Table("teas", code, Column("id", Uuid, primary_key=True), *parts)


@pytest.fixture
def history(aurora_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a history with a table of one column: what is added is met by itself."""
    return History(aurora_database, tmp_path, monkeypatch)


def test_what_an_engine_cannot_keep_is_refused(history: History) -> None:
    """The deployment failed, or `check` after it, for good; often not here, where the server is another one."""
    for parts, message in REFUSED.values():
        history.declare(declaration(*parts()))
        history.run()
        assert refusal(history) == message


def test_what_an_engine_cannot_keep_is_refused_in_a_table_that_is_there(history: History) -> None:
    """Where it is added as a column, an index, a constraint or a comment, other code looks at it."""
    history.write(declaration(Column("a", String(900)), Column("b", Integer), Column("c", sa.Boolean)))
    added: dict[str, tuple[list[SchemaItem], str]] = {
        "index": ([Index("ix", "a")], f"{KEY}teas.a may take 3,600{SHORTER}"),
        "unique": ([UniqueConstraint("a", name="uq")], f"{KEY}teas.a may take 3,600{SHORTER}"),
        "row": (
            [Column("d", String(15_500))],
            "nothing was written: a row of MySQL holds 65,535 bytes, and the columns of teas may take 65,744, 4 a"
            " character. Let d be a Text, or LongText of database.types, of which the row holds a pointer",
        ),
        "condition": ([CheckConstraint("c", name="c")], CONDITION.format("c")),
    }
    for parts, message in added.values():
        columns = [Column("a", String(900)), Column("b", Integer), Column("c", sa.Boolean)]
        history.declare(declaration(*columns, *parts))
        assert refusal(history) == message


def test_two_indexes_or_constraints_have_two_names(history: History) -> None:
    """PostgreSQL has the name of an index once in a schema, MySQL that of a CHECK or of a foreign key."""
    kinds: list[Callable[[], SchemaItem]] = [
        lambda: UniqueConstraint("a", name="one"),
        lambda: Index("one", "a"),
        lambda: CheckConstraint("a > 5", name=conv("one")),
    ]
    for kind in kinds:

        def declare(code: MetaData, kind: Callable[[], SchemaItem] = kind) -> None:
            for name in ("teas", "cups"):
                Table(name, code, Column("id", Uuid, primary_key=True), Column("a", Integer), kind())

        history.declare(declare)
        history.run()
        assert refusal(history) == (
            "nothing was written: cups.one and teas.one have one name, which not every engine takes. Give each its own"
        )


def test_the_name_of_an_index_or_a_constraint_fits_each_engine(
    mysql: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL takes one character more than PostgreSQL, which refused the revision."""
    history = History(mysql, tmp_path, monkeypatch)
    history.run()
    for part in (UniqueConstraint("a", name=LONG), Index(LONG, "a")):
        history.declare(declaration(Column("a", Integer), part))
        assert refusal(history) == REFUSED["column"][1]


def test_what_each_engine_can_keep_is_deployed(history: History) -> None:
    """Whoever needs as much must not be refused by a server's limit that is not there."""
    parts = [
        Column("a", String(766), unique=True),
        Column("b", String(15_000)),
        Column("c", sa.LargeBinary(100)),
        Column("d", sa.Numeric(10, 2), index=True),
        Column("é" * 31, Integer),
        Column("f", String(30), ForeignKey("teas.a")),
        Index(None, "a", "d"),
    ]
    history.write(declaration(*parts))
    history.go_back_and_forth()


def refusal(history: History) -> str:
    """Return why no revision is written."""
    with pytest.raises(MigrationError) as refused:
        create_revision(history.database.environment(), versions=history.versions)
    return str(refused.value)
