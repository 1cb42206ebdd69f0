"""Revisions written from tables of many kinds: applied they agree with the code, and they go back and forth."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from aurora_lambda_local.testing.databases import PARAMETERS
from aurora_lambda_runtime.database import transactions
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.database.types import LongText, UtcTimestamp, Uuid
from aurora_lambda_runtime.migrations.autogenerate.changes import Decisions
from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import MASTER, Database
from tests.images.histories import History, Tables
from tests.images.runs import rows
from tests.sample_application import tables
from tests.services import new_server

pytestmark = pytest.mark.slow


def test_a_key_that_counts_by_itself_is_no_difference(history: History) -> None:
    """The commonest key of all: on Aurora DSQL `check` would fail for good, and so would each test of the service."""

    def declare(code: MetaData) -> None:
        Table("cups", code, Column("id", Integer, primary_key=True), Column("text", String(9)))
        Table("pots", code, Column("id", sa.BigInteger, primary_key=True), Column("cup_id", ForeignKey("cups.id")))

    assert history.write(declare) == ["0001_create_cups.py", "0002_create_pots.py"]
    history.write(lambda code: Table("spoons", code, Column("id", Uuid, primary_key=True)), Decisions(may_drop=bool))
    history.go_back_and_forth("0002")
    history.run("downgrade", revision="0002")
    rows(history.database, "INSERT INTO cups (text) VALUES ('tea')")
    assert rows(history.database, "SELECT text FROM cups WHERE id = 1") == [("tea",)]


def test_what_refers_to_a_counting_key_holds_each(history: History) -> None:
    """A session of Aurora DSQL takes 65,536 numbers: after 32,768 of them, no integer would hold the next key."""
    key = 3_000_000_000 if history.database.engine == "dsql" else 2_000_000_000

    def declare(code: MetaData, *more: Column) -> None:
        Table("cups", code, Column("id", Integer, primary_key=True), Column("text", String(9)))
        Table("sips", code, Column("id", Integer, primary_key=True), Column("cup_id", ForeignKey("cups.id")), *more)

    history.write(declare)
    history.write(lambda code: declare(code, Column("other_id", Integer, ForeignKey("cups.id"))))
    cups, sips = (tables.metadata.tables[name] for name in ("cups", "sips"))
    database = transactions.Database.on(Connector(database_settings(history.database.environment())))
    database.statement(lambda connection: connection.execute(sa.insert(cups), {"id": key, "text": "tea"}))
    database.statement(lambda connection: connection.execute(sa.insert(sips), {"cup_id": key, "other_id": key}))
    query = sa.select(sips.c.cup_id, sips.c.other_id).where(sips.c.other_id == key)
    assert database.statement(lambda connection: connection.execute(query).all()) == [(key, key)]
    database.transactions.dispose()


def test_any_text_may_be_a_default(history: History) -> None:
    """A quote in it made `check` fail on Aurora DSQL, and JSON did."""

    def declare(code: MetaData, default: str, comment: str | None = None) -> None:
        quoted = Column("state", String(20), server_default="it's 100% \\new")
        text = Column("text", sa.Text, server_default=default, comment=comment)
        tags = [Column("tags", sa.JSON, server_default='{"it\'s": 5}')] * (history.database.engine != "postgres")
        check = CheckConstraint("state <> 'it''s 5%'", name="state")
        Table("cups", code, Column("id", Uuid, primary_key=True), quoted, text, Column("more", sa.JSON), *tags, check)

    history.write(lambda code: declare(code, "tea: 5%"))
    history.write(lambda code: declare(code, "tea: 6%"))
    history.write(lambda code: declare(code, "tea: 6%", "which"))
    rows(history.database, f"INSERT INTO cups (id) VALUES ('{'1' * 32}')")
    assert rows(history.database, "SELECT text FROM cups") == [("tea: 6%",)]
    history.write(lambda _: None, Decisions(may_drop=bool))
    history.go_back_and_forth()


def test_an_apostrophe_at_the_end_of_a_default_is_kept(history: History) -> None:
    """The revision had another text, and `check` found the difference for ever."""

    def declare(code: MetaData, default: str) -> None:
        state = Column("state", String(20), server_default=default)
        Table("cups", code, Column("id", Uuid, primary_key=True), state)

    for default in ("'tea", "'tea'", "teas'"):
        history.write(lambda code, default=default: declare(code, default))
    rows(history.database, f"INSERT INTO cups (id) VALUES ('{'1' * 32}')")
    assert rows(history.database, "SELECT state FROM cups") == [("teas'",)]
    history.write(lambda _: None, Decisions(may_drop=bool))
    history.go_back_and_forth()


@pytest.mark.parametrize(
    "type_", [sa.LargeBinary(16), sa.LargeBinary(70_000), sa.LargeBinary(2**25), sa.Float(53), sa.Float(20)], ids=repr
)
def test_a_type_that_mysql_calls_by_another_name_is_no_difference(
    mysql: Database, tmp_path: Path, type_: sa.types.TypeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` failed for good: MySQL has a TINYBLOB, a MEDIUMBLOB, a LONGBLOB, and a DOUBLE."""
    history = History(mysql, tmp_path, monkeypatch)

    def declare(code: MetaData, *columns: Column) -> None:
        Table("teas", code, Column("id", Uuid, primary_key=True), *columns)

    history.write(lambda code: declare(code, Column("more", type_)))
    history.write(declare, Decisions(may_drop=bool))
    history.go_back_and_forth("0001")
    history.run("downgrade", revision="0001")
    (tmp_path / "0002_drop_more_from_teas.py").unlink()
    history.declare(lambda code: declare(code, Column("more", type_)))
    history.agree()


def test_a_name_may_be_a_reserved_word(history: History) -> None:
    """Of some words SQLAlchemy does not know that they are reserved: PostgreSQL or MySQL refused the revision."""

    def declare(code: MetaData) -> None:
        for name in ("lateral", "system_user", "collation", "concurrently", "tablesample", "library", "external"):
            Table(name, code, Column("id", Uuid, primary_key=True), Column(name, String(9), index=True))

    history.write(declare)
    history.go_back_and_forth()


def test_any_expression_may_be_a_default(history: History) -> None:
    """MySQL stopped the deployment that changed such a default, or `check` went on to find another; MariaDB did not."""

    def declare(
        code: MetaData, at: sa.FunctionElement[datetime] | None, number: str, more: str, comment: str | None = None
    ) -> None:
        Table(
            "cups",
            code,
            Column("id", Uuid, primary_key=True),
            Column("at", UtcTimestamp, server_default=at, comment=comment),
            Column("day", sa.Date, server_default=sa.func.current_date()),
            Column("price", sa.Numeric(10, 2), server_default=sa.text(number), comment=comment),
            Column("text", sa.Text, server_default=more, comment=comment),
        )

    history.write(lambda code: declare(code, None, "5", "tea", "it's"))
    history.write(lambda code: declare(code, sa.func.now(), "5.50", "coffee", "it's"))
    history.write(lambda code: declare(code, sa.func.current_timestamp(), "-5.50", "tea", "it's"))
    history.write(lambda code: declare(code, sa.func.now(), "7", "tea"))
    rows(history.database, f"INSERT INTO cups (id) VALUES ('{'1' * 32}')")
    assert rows(history.database, "SELECT price, text FROM cups WHERE at IS NOT NULL AND day IS NOT NULL") == [
        (7, "tea")
    ]
    history.go_back_and_forth()


def test_a_moment_may_be_a_default(
    postgres: Database, mysql: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL reads it back with its zone, with which MySQL refused each revision that named it: error 1067."""

    def declare(code: MetaData, *comments: str) -> None:
        moment = sa.text("'2026-01-01 00:00:00'")
        columns = [Column("at", UtcTimestamp, server_default=moment, comment=each) for each in comments]
        Table("teas", code, Column("id", Uuid, primary_key=True), *columns)

    written = History(postgres, tmp_path, monkeypatch)
    for comments in (["when"], ["since when"], []):
        written.write(lambda code, comments=comments: declare(code, *comments), Decisions(may_drop=bool))
    history = History(mysql, tmp_path, monkeypatch)
    history.run()
    history.go_back_and_forth("0001")


def test_an_index_may_be_of_an_expression(history: History, histories: dict[str, History]) -> None:
    """On MySQL `check` found it to be another for ever, or never, and refused what was written on other engines."""

    def declare(
        code: MetaData, *expressions: Callable[[sa.ColumnElement], sa.ColumnElement], unique: bool = True
    ) -> None:
        teas = Table("teas", code, Column("id", Uuid, primary_key=True), Column("name", String(20)))
        for each in expressions:
            sa.Index("uq_teas_name", each(teas.c.name), unique=unique)

    history.write(declare)
    if "MariaDB" in rows(history.database, "SELECT version()")[0][0]:
        # Which has no such indexes.
        with pytest.raises(MigrationError, match="error 1064"):
            history.write(lambda code: declare(code, sa.func.lower))
        return
    history.write(lambda code: declare(code, sa.func.lower))
    changed = ["0003_drop_uq_teas_name.py", "0004_index_teas_by_coalesce.py"]
    if history.database.engine != "dsql":
        assert history.write(lambda code: declare(code, lambda name: sa.func.coalesce(name, "it's"))) == changed
    history.write(lambda code: declare(code, lambda name: sa.case((name > "x", "a"), else_="b"), unique=False))
    history.write(declare)
    for other in histories.values():
        other.run()
        other.go_back_and_forth("0001")
        other.run("downgrade", revision="0002")
        rows(other.database, f"INSERT INTO teas (id, name) VALUES ('{'1' * 32}', 'green')")
        with pytest.raises(Exception, match="uq_teas_name"):
            rows(other.database, f"INSERT INTO teas (id, name) VALUES ('{'2' * 32}', 'Green')")


def test_json_may_be_what_postgresql_indexes(history: History) -> None:
    """Written on MySQL, the revision named a type that it did not import, and nothing was written."""
    more = sa.JSON().with_variant(JSONB(), "postgresql")
    history.write(lambda code: Table("cups", code, Column("id", Uuid, primary_key=True), Column("more", more)))
    history.go_back_and_forth()


def test_an_added_column_brings_the_check_of_its_values(history: History) -> None:
    """The revision after it added that CHECK again, and stopped each deployment to a server."""

    def declare(code: MetaData, *columns: Column) -> None:
        Table("teas", code, Column("id", Uuid, primary_key=True), *columns)

    kind = sa.Enum("green", "black", name="kind", native_enum=False, create_constraint=True)
    history.write(declare)
    assert history.write(lambda code: declare(code, Column("kind", kind))) == ["0002_add_kind_to_teas.py"]
    with pytest.raises(Exception, match="ck_teas_kind"):
        rows(history.database, f"INSERT INTO teas (id, kind) VALUES ('{'1' * 32}', 'white')")
    history.go_back_and_forth("0001")


def test_a_negative_number_in_a_check_is_no_difference(history: History) -> None:
    """MySQL spells it otherwise once the table is altered: `check` failed for good."""

    def declare(code: MetaData, *columns: Column) -> None:
        check = CheckConstraint("cups > -5 AND cups NOT BETWEEN -3 AND -1.5", name="cups")
        Table("teas", code, Column("id", Uuid, primary_key=True), Column("cups", Integer), *columns, check)

    history.write(declare)
    history.write(lambda code: declare(code, Column("name", String(9))))
    history.go_back_and_forth()


def test_a_key_that_the_server_adds_is_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where MySQL gives each table a key, `check` failed for good, and `new-migration` wanted to drop that."""
    server = new_server("mysql", tmp_path / "server", {**PARAMETERS, "sql_generate_invisible_primary_key": "ON"})
    server.start()
    try:
        server.set_master(*MASTER)
        (versions := tmp_path / "versions").mkdir()
        history = History(Database("mysql", server.port, "keys"), versions, monkeypatch)
        history.write(lambda code: Table("teas", code, Column("name", String(20))))
        history.go_back_and_forth()
    finally:
        server.stop()


def test_comments_come_and_go(history: History) -> None:
    """Aurora DSQL takes them, and a revision that sets one stopped its deployments."""

    def declare(code: MetaData, column: str | None, table: str | None) -> None:
        text = Column("text", String(9), nullable=False, server_default="tea", comment=column)
        Table("cups", code, Column("id", Uuid, primary_key=True), text, comment=table)

    history.write(lambda code: declare(code, None, None))
    history.write(lambda code: declare(code, "it's 100% %s", "all: of 'them'"))
    history.write(lambda code: declare(code, None, None))
    history.go_back_and_forth()


@pytest.mark.parametrize("written_on", ["postgres", "dsql"])
def test_another_comment_leaves_the_type_as_it_is_on_mysql(histories: dict[str, History], written_on: str) -> None:
    """It made an Integer a BIGINT, and a LargeBinary(16) a BLOB: `check` failed for good."""

    def declare(code: MetaData, comment: str | None = None) -> None:
        types = {"long": LongText(), "number": Integer(), "bytes": sa.LargeBinary(16), "float": sa.Float()}
        columns = [Column(name, type_, comment=comment) for name, type_ in types.items()]
        Table("teas", code, Column("id", Uuid, primary_key=True), *columns)

    written = histories[written_on]
    written.write(declare)
    written.write(lambda code: declare(code, "which"))
    history = histories["mysql"]
    history.run()
    history.agree()
    history.go_back_and_forth("0001")


def test_a_renamed_column_keeps_what_is_known_of_it(history: History) -> None:
    """On MySQL it lost its default, its comment and its counting: the next insert failed, or wrote 0."""

    def declare(code: MetaData, *, renamed: bool) -> None:
        key, name, number, moment = ("number", "name", "cups", "at") if renamed else ("id", "text", "n", "made_at")
        Table(
            "teas",
            code,
            Column(key, Integer, primary_key=True),
            Column(name, String(20), unique=True, nullable=False, server_default="tea", comment="which"),
            Column(number, sa.Numeric(10, 2), index=True, server_default="5"),
            Column(moment, UtcTimestamp, nullable=False, server_default=sa.func.now()),
            CheckConstraint(f"{number} > 0", name="cups"),
        )

    def is_rename(old: str, new: str) -> bool:
        return (old, new) in {("teas.id", "teas.number"), ("teas.text", "teas.name"), ("teas.n", "teas.cups")} or (
            old == "teas.made_at" and new == "teas.at"
        )

    history.write(lambda code: declare(code, renamed=False))
    rows(history.database, "INSERT INTO teas (text) VALUES ('green')")
    history.write(lambda code: declare(code, renamed=True), Decisions(is_rename))
    rows(history.database, "INSERT INTO teas (cups) VALUES (1)")
    assert sorted(rows(history.database, "SELECT name, cups FROM teas")) == [("green", 5), ("tea", 1)]
    history.go_back_and_forth("0002")
    assert sorted(rows(history.database, "SELECT name, cups FROM teas")) == [("green", 5), ("tea", 1)]


def test_a_column_that_has_a_check_is_dropped(history: History) -> None:
    """The CHECK goes with it on PostgreSQL: the revision that dropped it afterwards stopped each deployment."""

    def declare(code: MetaData, *columns: Column) -> None:
        Table("teas", code, Column("id", Uuid, primary_key=True), Column("text", String(9)), *columns)

    def with_checks(code: MetaData) -> None:
        kind = sa.Enum("green", "black", name="kind", native_enum=False, create_constraint=True)
        declare(code, Column("kind", kind), Column("cups", Integer))
        code.tables["teas"].append_constraint(CheckConstraint("cups > 0", name="cups"))

    history.write(with_checks)
    written = history.write(declare, Decisions(may_drop=bool))
    assert sorted(name[5:] for name in written[:2]) == ["drop_ck_teas_cups.py", "drop_ck_teas_kind.py"]
    history.go_back_and_forth("0001")
    history.go_back_and_forth()


@pytest.mark.filterwarnings("ignore:Cannot correctly sort tables")
@pytest.mark.parametrize("use_alter", [False, True])
def test_tables_may_refer_to_each_other(history: History, use_alter: bool) -> None:
    """Neither can be made with the key to the other."""

    def declare(code: MetaData) -> None:
        boss = ForeignKey("people.id", name="fk_teams_boss_id", use_alter=use_alter)
        Table("teams", code, Column("id", Uuid, primary_key=True), Column("boss_id", boss))
        Table("people", code, Column("id", Uuid, primary_key=True), Column("team_id", ForeignKey("teams.id")))

    assert len(history.write(declare)) == 3
    history.go_back_and_forth()
    written = history.write(lambda _: None, Decisions(may_drop=bool))
    assert [name[5:9] for name in written] == ["drop", "drop", "drop"]
    history.go_back_and_forth("0003")


def test_tables_are_dropped_before_those_that_they_refer_to(history: History) -> None:
    """The server refuses the other order, in a deployment."""

    def declare(code: MetaData) -> None:
        Table("a", code, Column("id", Uuid, primary_key=True), Column("c_id", ForeignKey("c.id")))
        Table(
            "b",
            code,
            Column("id", Uuid, primary_key=True),
            Column("up", ForeignKey("b.id")),
            Column("x", ForeignKey("a.id")),
        )
        Table("c", code, Column("id", Uuid, primary_key=True))

    history.write(declare)
    written = history.write(lambda _: None, Decisions(may_drop=bool))
    assert written == ["0004_drop_b.py", "0005_drop_a.py", "0006_drop_c.py"]
    history.go_back_and_forth("0003")


def test_what_is_dropped_comes_back_on_each_engine(history: History, histories: dict[str, History]) -> None:
    """What undoes a drop, and the drop of a constraint, named what only the engine they were written on has."""

    def declare(code: MetaData, *columns: Column) -> None:
        sips = Column("sips", Integer, sa.Computed("cups * 9", persisted=True))
        Table("pots", code, Column("id", Uuid, primary_key=True), Column("cups", Integer), sips)
        Table("teas", code, Column("id", Uuid, primary_key=True), *columns)

    def of_many_types(code: MetaData) -> None:
        declare(
            code,
            Column("name", String(20), unique=True, server_default="it's"),
            Column("pot_id", ForeignKey("pots.id"), index=True),
            Column("hot", sa.Boolean, server_default=sa.true()),
            Column("more", sa.JSON),
            Column("weight", sa.Double),
            Column("made_at", sa.DateTime, server_default=sa.func.now()),
            Column("kind", sa.Enum("green", "black", name="kind", native_enum=False, create_constraint=True)),
            Column("cups", Integer, server_default="5", comment="how many"),
        )
        code.tables["teas"].append_constraint(CheckConstraint("cups > 0", name="cups"))

    written = history.write(of_many_types)
    history.write(declare, Decisions(may_drop=bool))
    history.write(lambda _: None, Decisions(may_drop=bool))
    history.write(of_many_types)
    history.write(lambda _: None, Decisions(may_drop=bool))
    for other in histories.values():
        other.run()
        other.go_back_and_forth(f"{len(written):04d}")


@pytest.mark.parametrize("written_on", ["postgres", "mysql", "dsql"])
def test_what_is_unique_under_a_foreign_key_comes_and_goes_on_each_engine(
    histories: dict[str, History], written_on: str
) -> None:
    """On MySQL a roll-back of it failed with error 1553, and so did each deployment of one written elsewhere.

    What was left of a key that is dropped took a second revision there, which then stopped the other engines.
    """

    def declare(*key: ForeignKey, index: bool = False, unique: bool = False) -> Tables:
        def declared(code: MetaData) -> None:
            Table("pots", code, Column("id", Uuid, primary_key=True))
            pot = Column("pot_id", Uuid, *key, index=index, unique=unique)
            Table("teas", code, Column("id", Uuid, primary_key=True), pot)

        return declared

    history = histories[written_on]
    history.write(declare(ForeignKey("pots.id"), index=True))
    assert history.write(declare(ForeignKey("pots.id"), unique=True)) == [
        "0004_drop_ix_teas_pot_id.py",
        "0005_add_uq_teas_pot_id.py",
    ]
    history.go_back_and_forth("0003")
    assert history.write(declare(ForeignKey("pots.id"))) == ["0006_drop_uq_teas_pot_id.py"]
    assert history.write(declare()) == ["0007_drop_fk_teas_pot_id.py"]
    for each in histories.values():
        each.run()
        each.agree()
        each.go_back_and_forth("0006")
        each.go_back_and_forth()
    assert rows(histories["mysql"].database, "SHOW INDEX FROM teas WHERE Key_name <> 'PRIMARY'") == []


def test_the_default_of_a_uuid_is_written_as_each_engine_has_it(history: History) -> None:
    """MySQL refused it with its hyphens: error 1067 in the deployment."""

    def declare(code: MetaData, *columns: Column) -> None:
        Table("teas", code, Column("id", Uuid, primary_key=True), *columns)

    history.write(declare)
    default = "6f1c5a4e-0000-4000-8000-00000000000a"
    history.write(lambda code: declare(code, Column("pot_id", Uuid, server_default=default)))
    rows(history.database, f"INSERT INTO teas (id) VALUES ('{'1' * 32}')")
    [[found]] = rows(history.database, "SELECT pot_id FROM teas")
    assert str(found).replace("-", "") == default.replace("-", "")
    history.go_back_and_forth()


def test_a_condition_of_a_boolean_comes_back_on_each_engine(
    mysql: Database, postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL reads `NOT hot` back as `0 = hot`, which PostgreSQL refused in a roll-back."""
    conditions = (
        "NOT hot",
        "hot OR cold",
        "cold IS TRUE",
        "hot = false",
        "cups > 1 OR hot <> cold",
        "hot IN (true, false)",
    )

    def declare(code: MetaData, *, checked: bool) -> None:
        columns = [Column("hot", sa.Boolean), Column("cold", sa.Boolean), Column("cups", Integer)]
        checks = [CheckConstraint(each, name=f"c{at}") for at, each in enumerate(conditions) if checked]
        Table("teas", code, Column("id", Uuid, primary_key=True), *columns, *checks)

    history = History(mysql, tmp_path, monkeypatch)
    first = history.write(lambda code: declare(code, checked=True))
    dropped = history.write(lambda code: declare(code, checked=False))
    other = History(postgres, tmp_path, monkeypatch)
    for each in (history, other):
        each.run()
        each.run("downgrade", revision=f"{len(first):04d}")
        rows(each.database, f"INSERT INTO teas (id, hot, cold, cups) VALUES ('{'1' * 32}', false, true, 2)")
    assert len(dropped) == len(conditions)


def test_a_check_of_a_column_called_by_a_reserved_word_holds_on_each_engine(
    history: History, histories: dict[str, History]
) -> None:
    """MySQL took the name in quotes for a text, and refused each row."""

    def declare(code: MetaData, low: int) -> None:
        checks = [CheckConstraint(sa.column("order") > low, name="order"), CheckConstraint("cups <> 3", name="cups")]
        Table(
            "teas",
            code,
            Column("id", Uuid, primary_key=True),
            Column("order", Integer),
            Column("cups", Integer),
            *checks,
        )

    history.write(lambda code: declare(code, 1))
    if history.database.engine != "dsql":
        assert len(history.write(lambda code: declare(code, 2))) == 2
    for other in histories.values():
        other.run()
        other.agree()
        rows(other.database, f"INSERT INTO teas (id, {_quoted(other, 'order')}) VALUES ('{'1' * 32}', 3)")
        with pytest.raises(Exception, match="ck_teas_order"):
            rows(other.database, f"INSERT INTO teas (id, {_quoted(other, 'order')}) VALUES ('{'2' * 32}', 1)")


@pytest.mark.parametrize("written_on", ["postgres", "mysql", "dsql"])
def test_an_expression_with_a_reserved_word_comes_back_on_each_engine(
    histories: dict[str, History], written_on: str
) -> None:
    """It was written as one engine reads it: `key` needs quotes on MySQL alone. And `:x` became NULL in a CHECK."""

    def declare(code: MetaData, *, checked: bool) -> None:
        columns = [Column("key", String(20)), Column("order", Integer), Column("n", Integer)]
        teas = Table("teas", code, Column("id", Uuid, primary_key=True), *columns)
        conditions = [teas.c.order > 1, teas.c.key.in_(["key", "order"]), teas.c.key != ":x", teas.c.key != 'a`b"c']
        if checked:
            sa.Index("ix_key", sa.func.lower(teas.c.key), teas.c.n)
            for at, each in enumerate(conditions):
                teas.append_constraint(CheckConstraint(each, name=f"c{at}"))

    history = histories[written_on]
    for checked in (True, False, True):
        history.write(lambda code, checked=checked: declare(code, checked=checked))
    history.write(lambda _: None, Decisions(may_drop=bool))
    for each in histories.values():
        each.run()
        each.go_back_and_forth()
        each.run("downgrade", revision="0001")
        each.run()


def test_a_text_is_not_indexed_as_a_whole(history: History) -> None:
    """MariaDB, which runs here, takes it: the deployment to Aurora MySQL failed with error 1170."""

    def declare(code: MetaData, *, index: bool = False, unique: bool = False) -> None:
        text = Column("text", sa.Text, index=index, unique=unique)
        Table("teas", code, Column("id", Uuid, primary_key=True), text)

    for wrong in ({"index": True}, {"unique": True}):
        with pytest.raises(MigrationError, match=r"^nothing was written: MySQL indexes no .* that of teas\.text\. "):
            history.write(lambda code, wrong=wrong: declare(code, **wrong))
    history.write(declare)
    with pytest.raises(MigrationError, match=r"^nothing was written: MySQL indexes no "):
        history.write(lambda code: declare(code, index=True))

    def with_prefix(code: MetaData) -> None:
        declare(code)
        sa.Index("ix_text", code.tables["teas"].c.text, mysql_length=20)

    assert history.write(with_prefix) == ["0002_index_teas_by_text.py"]


def _quoted(history: History, name: str) -> str:
    return f"`{name}`" if history.database.engine == "mysql" else f'"{name}"'
