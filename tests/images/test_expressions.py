"""Defaults, CHECKs and computed columns, which each server stores in words of its own."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Computed, Enum, MetaData, String, Table, func

from aurora_lambda_runtime.database.types import UtcTimestamp, Uuid
from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images.runs import create_revision, rows, run
from tests.sample_application import tables

pytestmark = pytest.mark.slow
AGREE = "code and database agree"


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Return a folder without revisions."""
    return tmp_path


def teas(monkeypatch: pytest.MonkeyPatch, default: str = "new", kinds: str = "xy", least: int = 0, by: int = 2) -> None:
    """Put one table in place of the application's, with an expression of each kind."""
    code = MetaData(naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s", "pk": "pk_%(table_name)s"})
    Table(
        "teas",
        code,
        Column("id", Uuid, primary_key=True),
        Column("state", String(10), nullable=False, server_default=default),
        Column("cups", sa.Integer, nullable=False, server_default="3"),
        Column("hot", sa.Boolean, nullable=False, server_default=sa.true()),
        Column("price", sa.Numeric(10, 2), nullable=False, server_default="1.50"),
        Column("made_at", UtcTimestamp, server_default=None),
        Column("day", sa.DateTime, server_default=func.now()),
        Column("kind", Enum(*kinds, name="kind", native_enum=False, create_constraint=True, length=10)),
        Column("twice", sa.Integer, Computed(f"cups * {by}", persisted=True)),
        CheckConstraint(f"cups > {least} AND state NOT LIKE 'a%'", name="cups"),
    )
    monkeypatch.setattr(tables, "metadata", code)


def made(database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Bring a database to the first state, and return what `check` says."""
    teas(monkeypatch)
    run({}, database.environment(), versions=versions)
    create_revision(database.environment(), versions=versions)
    run({}, database.environment(), versions=versions)
    return run({"command": "check"}, database.environment(), versions=versions)["output"]


def test_what_a_server_spells_otherwise_is_no_difference(
    database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that always finds something is soon run by nobody; what it cannot see it has to say."""
    more = (
        "; not compared: the condition of CHECK teas.ck_teas_cups, the condition of CHECK teas.ck_teas_kind,"
        " computed column teas.twice"
    )
    assert made(database, versions, monkeypatch) == AGREE + more * (database.engine == "dsql")
    with pytest.raises(MigrationError, match="^nothing to write: "):
        create_revision(database.environment(), versions=versions)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"default": "old"}, ["0002_change_state_of_teas.py"]),
        ({"least": 1}, ["0002_drop_ck_teas_cups.py", "0003_add_ck_teas_cups.py"]),
        ({"kinds": "xyz"}, ["0002_drop_ck_teas_kind.py", "0003_add_ck_teas_kind.py"]),
    ],
    ids=["default", "check", "enum"],
)
def test_a_changed_expression_is_found_and_written(
    database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch, change: dict, names: list[str]
) -> None:
    """The first insert of the new value would fail in production, after every check had passed."""
    if database.engine == "dsql" and "default" not in change:
        pytest.skip("Aurora DSQL has no temporary tables: `check` names the CHECKs as not compared")
    agreed = made(database, versions, monkeypatch)
    teas(monkeypatch, **change)
    with pytest.raises(MigrationError, match="^code and database disagree: "):
        run({"command": "check"}, database.environment(), versions=versions)
    written = create_revision(database.environment(), versions=versions)
    assert [path.name for path in written] == names
    assert not [path for path in written if "::" in path.read_text() or "`" in path.read_text()]
    for _ in range(2):
        run({}, database.environment(), versions=versions)
        assert run({"command": "check"}, database.environment(), versions=versions)["output"] == agreed
        run({"command": "downgrade", "revision": "0001"}, database.environment(), versions=versions)
    teas(monkeypatch)
    for path in written:
        path.unlink()
    assert run({"command": "check"}, database.environment(), versions=versions)["output"] == agreed


def test_a_check_that_one_side_lacks_is_found(
    database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that the code takes to be impossible get in, or the code's own are refused."""
    made(database, versions, monkeypatch)
    table = tables.metadata.tables["teas"]
    table.append_constraint(CheckConstraint("cups < 100", name="many"))
    (written,) = create_revision(database.environment(), versions=versions)
    assert written.name == "0002_add_ck_teas_many.py"
    run({}, database.environment(), versions=versions)
    assert run({"command": "check"}, database.environment(), versions=versions)["output"].startswith(AGREE)
    teas(monkeypatch)
    with pytest.raises(MigrationError, match=r"CHECK ck_teas_many \(.*100.*\) of teas is not in the code"):
        run({"command": "check"}, database.environment(), versions=versions)


def test_a_check_within_a_column_is_refused(
    database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision would be written without it, and rows that the code takes to be impossible get in."""
    teas(monkeypatch)
    tables.metadata.tables["teas"].append_column(
        Column("sugar", sa.Integer, CheckConstraint("sugar < 9", name="sweet"))
    )
    run({}, database.environment(), versions=versions)
    refusal = "column teas.sugar has a CHECK of its own, which no revision makes: write it beside the columns"
    with pytest.raises(MigrationError, match=f"^nothing was written: {refusal}|^{refusal}"):
        create_revision(database.environment(), versions=versions)
    assert list(versions.glob("0*.py")) == []


def test_a_changed_computed_column_is_found(
    aurora_database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on holding what the code no longer means."""
    made(aurora_database, versions, monkeypatch)
    teas(monkeypatch, by=3)
    words = "column teas.twice is computed as .*2.* in the database and as .*3.* in the code, and not every engine"
    with pytest.raises(MigrationError, match=f"^code and database disagree: {words}"):
        run({"command": "check"}, aurora_database.environment(), versions=versions)
    with pytest.raises(MigrationError, match=f"^nothing was written: {words}"):
        create_revision(aurora_database.environment(), versions=versions)


def test_another_primary_key_is_found(database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic does not compare it: rows that the code takes to be one, or two, are the other in the database."""

    def declare(*key: str) -> None:
        code = MetaData()
        columns = (Column(name, sa.Integer, autoincrement=False, nullable=False) for name in ("pot", "cup"))
        Table("teas", code, *columns, sa.PrimaryKeyConstraint(*key, name="pk_teas"))
        monkeypatch.setattr(tables, "metadata", code)

    declare("pot")
    run({}, database.environment(), versions=versions)
    create_revision(database.environment(), versions=versions)
    run({}, database.environment(), versions=versions)
    assert run({"command": "check"}, database.environment(), versions=versions)["output"] == AGREE
    declare("cup", "pot")
    why = (
        "the primary key of teas is pot in the database and cup, pot in the code, and not every engine can change that:"
        " make a table of another name, and copy the rows"
    )
    with pytest.raises(MigrationError) as refusal:
        create_revision(database.environment(), versions=versions)
    assert str(refusal.value) == f"nothing was written: {why}"
    with pytest.raises(MigrationError, match=f"^code and database disagree: {why}"):
        run({"command": "check"}, database.environment(), versions=versions)


def test_an_enum_of_a_table_with_a_reserved_name_is_written_for_each_engine(
    database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its CHECK named the table, in quotes that MySQL takes for a text: the deployment failed."""

    def declare(*kinds: str) -> None:
        code = MetaData(naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s"})
        kind = Enum(*kinds, name="kind", native_enum=False, create_constraint=True, length=9)
        Table("order", code, Column("id", Uuid, primary_key=True), Column("kind", kind))
        monkeypatch.setattr(tables, "metadata", code)
        run({}, database.environment(), versions=versions)

    declare("tea")
    create_revision(database.environment(), versions=versions)
    declare("tea", "cup")
    if database.engine == "dsql":
        # There the conditions are not compared.
        rows(database, 'ALTER TABLE "order" DROP CONSTRAINT ck_order_kind')
    written = create_revision(database.environment(), versions=versions)
    assert """("ck_order_kind"), "order", "kind IN ('tea', 'cup')")""" in written[-1].read_text()
    assert run({}, database.environment(), versions=versions)["status"] == "ok"


def test_a_check_of_a_boolean_is_compared_as_it_was_written(
    aurora_database: Database, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLAlchemy renders it as `hot = 1` for MySQL, and the revision has `hot`: `check` failed for good."""
    hot: Column[bool] = Column("hot", sa.Boolean)
    conditions = (hot.is_(True), sa.or_(hot, hot.is_(None)), sa.not_(hot), hot == sa.true())
    checks = [CheckConstraint(each, name=f"hot{at}") for at, each in enumerate(conditions)]
    code = MetaData(naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s"})
    Table("teas", code, Column("id", Uuid, primary_key=True), hot, *checks)
    monkeypatch.setattr(tables, "metadata", code)
    run({}, aurora_database.environment(), versions=versions)
    create_revision(aurora_database.environment(), versions=versions)
    run({}, aurora_database.environment(), versions=versions)
    assert run({"command": "check"}, aurora_database.environment(), versions=versions)["output"] == AGREE
