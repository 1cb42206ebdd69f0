"""What DSQL refuses and what it answers, statement by statement, each with its source."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.dsql_faults import FaultyServer
from tests.local.databases.dsql.clients import Clients, refusal, rows

NOT_SUPPORTED = "0A000"
REFUSED = [
    # 1. Connecting
    ("SET statement_timeout = '5s'", 'setting configuration parameter "statement_timeout" not supported'),  # verified I
    ("SET lock_timeout = 1", 'setting configuration parameter "lock_timeout" not supported'),  # verified D
    # 2. Transactions
    ("BEGIN ISOLATION LEVEL SERIALIZABLE", "Unsupported isolation level: SERIALIZABLE"),  # verified E
    ("SET TRANSACTION READ ONLY", 'setting configuration parameter "TRANSACTION" not supported'),  # verified D
    ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "Unsupported isolation level: SERIALIZABLE"),  # verified E
    ("SAVEPOINT a", "unsupported transaction statement: SAVEPOINT"),  # verified E
    ("RELEASE a", "unsupported transaction statement: RELEASE"),  # verified E
    ("ROLLBACK TO a", "unsupported transaction statement: ROLLBACK TO"),  # verified E
    # 3. Concurrency
    ("SELECT pg_try_advisory_lock(1)", "function pg_try_advisory_lock not supported"),  # verified I, N
    ("SELECT * FROM t FOR SHARE", "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported"),  # E, S
    # 4. DDL
    ("CREATE INDEX i ON t (a)", "unsupported mode. please use CREATE INDEX ASYNC."),  # verified E, P, N
    ("CREATE INDEX CONCURRENTLY i ON t (a)", "CONCURRENTLY not supported for CREATE INDEX"),  # verified E
    ("CREATE INDEX ASYNC i ON t USING btree (a)", "USING not supported for CREATE INDEX"),  # verified N
    ("CREATE INDEX ASYNC i ON t (a DESC)", "specifying sort order not supported for index keys"),  # verified E
    ("CREATE INDEX ASYNC i ON t (a int4_ops)", "opclass not supported for index keys"),  # observed
    ('CREATE INDEX ASYNC i ON x (b COLLATE "C")', "COLLATE not supported for index keys"),  # text unverified
    ("CREATE INDEX ASYNC i ON t (a) WITH (fillfactor = 50)", "WITH not supported for CREATE INDEX"),  # text unverified
    ("CREATE INDEX ASYNC i ON x (j)", "datatype jsonb is not supported in a key"),  # as in CREATE TABLE
    ("ALTER TABLE t ADD COLUMN b int DEFAULT 0", "ALTER TABLE ADD COLUMN with constraint not supported"),  # E, S, N
    ("ALTER TABLE t ADD COLUMN b int NOT NULL", "ALTER TABLE ADD COLUMN with constraint not supported"),  # E, S, N
    (
        "ALTER TABLE t ALTER COLUMN a TYPE text",
        "unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement",  # verified E
    ),
    (
        "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
        "unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement",  # text unverified
    ),
    (
        "ALTER TABLE t ALTER COLUMN a SET STATISTICS 100",
        "unsupported ALTER TABLE ALTER COLUMN ... SET STATISTICS statement",  # observed; text unverified
    ),
    ("ALTER TABLE t SET (fillfactor = 50)", "unsupported ALTER TABLE SET REL OPTIONS statement"),  # text unverified
    ("ALTER TABLE t ADD PRIMARY KEY (a)", "unsupported ALTER TABLE ADD CONSTRAINT statement"),  # verified E
    ("ALTER TABLE t ADD UNIQUE (a)", "unsupported ALTER TABLE ADD CONSTRAINT statement"),  # verified E
    ("ALTER TABLE t ADD CHECK (a > 0)", "unsupported ALTER TABLE ADD CONSTRAINT statement"),  # verified E
    (
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES t (id)",
        "unsupported ALTER TABLE ADD CONSTRAINT statement",  # verified E
    ),
    ("ALTER TABLE t VALIDATE CONSTRAINT c", "unsupported ALTER TABLE VALIDATE CONSTRAINT statement"),  # verified E
    ("ALTER TABLE t DROP CONSTRAINT t_pkey", "unsupported ALTER TABLE DROP CONSTRAINT statement"),  # text unverified
    ("ALTER TABLE t DROP COLUMN id", "cannot drop primary key column id"),  # verified E
    ("CREATE TABLE u (a text[])", "datatype text[] not supported"),  # verified E
    ("CREATE TABLE u (a int[])", "datatype integer[] not supported"),  # verified E
    ("CREATE TABLE u (a money)", "datatype money not supported"),  # verified E
    ("CREATE TABLE u (a varbit(8))", "datatype bit varying not supported"),  # verified E
    ("CREATE TABLE u (a int4multirange)", "datatype int4multirange not supported"),  # not in D
    ("CREATE TABLE u (a jsonpath)", "datatype jsonpath not supported"),  # not in D
    ("CREATE TABLE u (a oid)", "datatype oid not supported"),  # not in D
    ("CREATE TABLE u (a regclass)", "datatype regclass not supported"),  # not in D
    ("ALTER TABLE t ADD COLUMN b money", "datatype money not supported"),  # verified E
    ("SELECT line('{1,2,3}')", "datatype line not supported"),  # verified E
    ("SELECT circle('<(0,0),1>'::text)", "datatype circle not supported"),  # verified E
    ("CREATE TABLE u (a jsonb PRIMARY KEY)", "datatype jsonb is not supported in a key"),  # verified S, N
    (
        "CREATE TABLE u (id bigint GENERATED ALWAYS AS IDENTITY)",
        "identity column is not supported without an explicit cache size."
        " please define CACHE greater than or equal to 65536 or equal to 1",  # verified E
    ),
    (
        "CREATE TABLE u (id int GENERATED ALWAYS AS IDENTITY (CACHE 1))",
        "datatype integer not supported, identity column type must be bigint",  # verified E
    ),
    (
        "CREATE SEQUENCE s CACHE 10",
        "CREATE SEQUENCE is not supported without an explicit cache size."
        " please define CACHE greater than or equal to 65536 or equal to 1",  # verified E
    ),
    ('CREATE TABLE u (a text COLLATE "C")', "COLLATE not supported for CREATE TABLE"),  # text unverified
    ("CREATE TEMPORARY TABLE u (a int)", "TEMPORARY or TEMP table not supported for CREATE TABLE"),  # verified E
    ("CREATE UNLOGGED TABLE u (a int)", "UNLOGGED table not supported for CREATE TABLE"),  # verified E
    ("CREATE TABLE u (a int) PARTITION BY LIST (a)", "PARTITION not supported for CREATE TABLE"),  # text unverified
    ("CREATE TABLE u (a int) WITH (fillfactor = 50)", "WITH not supported for CREATE TABLE"),  # not in D
    ("CREATE TABLE u (a int) TABLESPACE pg_default", "TABLESPACE not supported for CREATE TABLE"),  # not in D
    ("CREATE TABLE u (a int UNIQUE WITH (fillfactor = 50))", "WITH not supported for CREATE TABLE"),  # not in D
    ("CREATE TABLE u (a text COMPRESSION pglz)", "COMPRESSION not supported for CREATE TABLE"),  # not in D
    (
        "CREATE TABLE u (a int, EXCLUDE USING btree (a WITH =))",
        "EXCLUSION constraint not supported for CREATE TABLE",  # not in D
    ),
    ("CREATE TABLE u AS SELECT 1", "unsupported statement: CreateTableAs"),  # verified E
    ("CREATE MATERIALIZED VIEW v AS SELECT 1", "unsupported statement: CreateTableAs"),  # verified E
    ("TRUNCATE t", "unsupported statement: Truncate"),  # verified E
    ("LOCK t", "unsupported statement: Lock"),  # text unverified
    ("DO 'BEGIN END'", "unsupported statement: Do"),  # text unverified
    ("DECLARE c CURSOR FOR SELECT 1", "unsupported statement: DeclareCursor"),  # text unverified
    ("LISTEN c", "unsupported statement: Listen"),  # verified E
    ("PREPARE p AS SELECT 1", "unsupported statement: Prepare"),  # text unverified
    ("DISCARD ALL", "unsupported statement: Discard"),  # text unverified
    ("CREATE EXTENSION hstore", "unsupported statement: CreateExtension"),  # verified E
    ("CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()", "CREATE TRIGGER not supported"),  # verified E
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
        "CREATE FUNCTION with language plpgsql not supported",  # verified E
    ),
    ("CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'", "CREATE PROCEDURE not supported"),  # text unverified
    ("CREATE SCHEMA u CREATE TABLE v (a int)", "CREATE SCHEMA with elements not supported"),  # not in D
    ("CREATE TYPE m AS ENUM ('a')", "CREATE TYPE not supported"),  # verified E
    ("MERGE INTO t USING t s ON false WHEN MATCHED THEN DELETE", "unsupported statement type: MERGE"),  # verified E
    ("VACUUM t", "unsupported VACUUM statement"),  # verified E
    # 5. Roles
    ("GRANT USAGE ON SCHEMA public TO admin", "feature not supported on system entity"),  # verified S
    ("GRANT CONNECT ON DATABASE postgres TO admin", "unsupported object type in GRANT"),  # verified D
    ("ALTER ROLE admin SET search_path = u", "unsupported statement: AlterRoleSet"),  # not in D
    ("ALTER DATABASE postgres SET search_path = u", "unsupported statement: AlterDatabaseSet"),  # not in D
    ("DROP OWNED BY admin", "unsupported statement: DropOwned"),  # not in D
]
COLUMNS = "tables can have at most 255 columns"
STORED = "syntax error: a generated column must be STORED"
KEY_SIZE = "key size greater than 2000 bytes not supported"
OTHER_STATES = [
    ("CREATE TABLE u (a varchar(3000) PRIMARY KEY)", "54000", KEY_SIZE),  # observed
    ("CREATE TABLE u (a varchar(1500), b varchar(1500), UNIQUE (a, b))", "54000", KEY_SIZE),  # as the row above
    ("CREATE INDEX ASYNC i ON x (v)", "54000", KEY_SIZE),  # as the rows above
    (
        "CREATE TABLE u (a varchar(70000))",
        "54000",
        "Datatype limit greater than 65535 bytes not supported for varchar",  # observed
    ),
    (
        "CREATE TABLE u (a char(4097))",
        "54000",
        "Datatype limit greater than 4096 bytes not supported for char",  # text unverified
    ),
    (f"CREATE TABLE u ({', '.join(f'c{number} int' for number in range(256))})", "54011", COLUMNS),  # documented D
    ("CREATE TABLE u (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL)", "42601", STORED),  # newer than 16
    ("CREATE TABLE u (a int, b int GENERATED ALWAYS AS (a * 2))", "42601", STORED),  # newer than 16
    ("UPDATE t SET a = 1 RETURNING old.a", "42P01", 'missing FROM-clause entry for table "old"'),  # newer than 16
    ("DELETE FROM t RETURNING new.a", "42P01", 'missing FROM-clause entry for table "new"'),  # newer than 16
    ("INSERT INTO t VALUES (1) RETURNING WITH (NEW AS n) n.a", "42601", 'syntax error at or near "WITH"'),  # the same
    ("SELECT uuidv7()", "42883", "function uuidv7() does not exist"),  # newer than 16
    ("SELECT to_tsvector('english', 'a')", "42704", 'text search configuration "english" does not exist'),  # verified E
    ("DEALLOCATE never", "26000", 'prepared statement "never" does not exist'),  # PostgreSQL's
    ("CREATE TABLE u (id serial)", "42704", 'type "serial" does not exist'),  # verified E
    ("CREATE INDEX ASYNC s.i ON t (a)", "42601", 'syntax error at or near "."'),  # verified E
    (
        "CREATE INDEX ASYNC i ON w (a, b, c, d, e, f, g, h, i)",
        "54011",
        "more than 8 column keys in an index are not supported",  # SQLSTATE verified E
    ),
    ("SELECT sys.wait_for_job('x')", "42809", "sys.wait_for_job(unknown) is a procedure"),  # verified E
    ("CALL sys.wait_for_job('x')", "22P02", "Unable to convert text to UUID"),  # verified E
]
WORKS = [
    "ALTER TABLE t ADD COLUMN b int",  # verified E, S, N
    "ALTER TABLE t DROP COLUMN a",  # verified E, since August 2026
    "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1, ALTER COLUMN a DROP DEFAULT",  # verified N: one DDL
    "ALTER TABLE t RENAME COLUMN a TO b",  # verified D
    "ALTER TABLE t ADD CHECK (a > 0) NOT VALID",  # verified E
    "COMMENT ON TABLE t IS 'text'",  # verified D
    "CREATE TABLE u (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY, j jsonb)",  # verified E
    "CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE DEFERRABLE)",  # verified E, G, S
    "CREATE TABLE u (a varchar(65535), b varchar(2000) PRIMARY KEY, c char(4096), d text STORAGE plain)",  # D
    "ALTER TABLE t ADD COLUMN b text STORAGE plain",  # verified E
    "CREATE STATISTICS s ON id, a FROM t",  # documented D, since August 2026
    "UPDATE t AS old SET a = 1 RETURNING old.a",  # a table of that name
    "RESET ALL",  # AWS's samples send it
    "DEALLOCATE ALL",  # psycopg sends it after a DROP
    "CREATE DOMAIN d AS text CHECK (VALUE IN ('a'))",  # verified E
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",  # verified E
    "CREATE VIEW v AS SELECT * FROM t",  # documented D
    "SET TIME ZONE 'UTC'",  # verified D
    "SET enable_seqscan = off",  # verified D
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",  # verified E, D
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO admin",  # one project's report
    "SELECT * FROM t FOR UPDATE",  # verified M, E: without a key since August 2026
]


@pytest.fixture(scope="module")
def unchanged(cluster: FaultyServer) -> Iterator[psycopg.Connection]:
    """A session on tables that no statement changes, because all are refused."""
    clients = Clients(cluster)
    admin = clients.connect()
    admin.execute("CREATE TABLE t (id int PRIMARY KEY, a int)")
    admin.execute("CREATE TABLE w (a int, b int, c int, d int, e int, f int, g int, h int, i int)")
    admin.execute("CREATE TABLE x (b text, j jsonb, v varchar(3000))")
    yield admin
    clients.clean_up()
    clients.close()


@pytest.fixture
def table(dsql: Clients) -> Clients:
    """A schema with a table."""
    dsql.connect().execute("CREATE TABLE t (id int PRIMARY KEY, a int)")
    return dsql


@pytest.mark.parametrize(("statement", "message"), REFUSED)
def test_what_dsql_has_not_is_refused_in_its_words(unchanged: psycopg.Connection, statement: str, message: str) -> None:
    """A migration that passes here would be refused on AWS."""
    assert refusal(unchanged, statement) == (NOT_SUPPORTED, message)


@pytest.mark.parametrize(("statement", "sqlstate", "message"), OTHER_STATES)
def test_a_refusal_has_dsqls_sqlstate(
    unchanged: psycopg.Connection, statement: str, sqlstate: str, message: str
) -> None:
    """Code that looks at SQLSTATEs would take another way on AWS."""
    assert refusal(unchanged, statement) == (sqlstate, message)


@pytest.mark.parametrize("statement", WORKS)
def test_what_dsql_has_works(table: Clients, statement: str) -> None:
    """A person would be told to rewrite what AWS accepts."""
    assert refusal(table.connect(), statement) == (None, "")


def test_a_column_added_later_is_null_in_old_rows(table: Clients) -> None:
    """`old rows stay NULL` (verified E, S, N): a revision that relies on the default would pass here."""
    admin = table.connect()
    for statement in (
        "INSERT INTO t VALUES (1, 1)",
        "ALTER TABLE t ADD COLUMN b int",
        "ALTER TABLE t ALTER COLUMN b SET DEFAULT 7",
        "INSERT INTO t VALUES (2, 2)",
    ):
        admin.execute(statement.encode())
    assert rows(admin, "SELECT id, b FROM t ORDER BY id") == [(1, None), (2, 7)]


def test_copy_takes_rows(table: Clients) -> None:
    """`COPY FROM STDIN works` (documented D): a restored dump would fail here only."""
    admin = table.connect()
    with admin.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        copy.write_row((1, 10))
        copy.write_row((2, 20))
    assert rows(admin, "SELECT * FROM t ORDER BY id") == [(1, 10), (2, 20)]


def test_a_primary_key_holds_all_columns_and_indexes_have_a_method_of_their_own(table: Clients) -> None:
    """As catalogs read back (verified N, S): what compares schemas would find differences on a cluster only."""
    admin = table.connect()
    rows(admin, "CREATE INDEX ASYNC i ON t (a)")
    indexes = (
        "SELECT relname, amname, indkey::text, pg_catalog.pg_index.indnatts, indnkeyatts"
        " FROM pg_catalog.pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am am ON am.oid = relam"
        " WHERE indrelid = 't'::regclass AND pg_catalog.pg_index.indnatts > %s ORDER BY 1"
    )
    assert rows(admin, indexes, [0]) == [("i", "btree_index", "2", 1, 1), ("t_pkey", "btree_index", "1 2", 2, 1)]


def test_tools_find_no_trigger_on_a_table(table: Clients) -> None:
    """What the stand-in adds to a table would end up in a dump, or in a comparison of schemas."""
    found = rows(table.connect(), "SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal")
    assert found == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("1, (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 33) g)", "key size too large"),  # D: 1 KiB
        ("1, 'k', repeat('x', 1048577)", "maximum row size exceeded"),  # a value of 1 MiB
        ("1, 'k', repeat('x', 1048576), repeat('x', 1048576)", "maximum row size exceeded"),  # a row of 2 MiB
    ],
)
def test_a_row_has_limits(dsql: Clients, values: str, message: str) -> None:
    """`key size too large`, `maximum row size exceeded` (documented D): a document would be kept here only."""
    admin = dsql.connect()
    admin.execute("CREATE TABLE u (id int PRIMARY KEY, k text UNIQUE, a text, b text)")
    assert refusal(admin, f"INSERT INTO u VALUES ({values})") == ("54000", message)
    assert refusal(admin, "INSERT INTO u VALUES (1, repeat('k', 1024), repeat('x', 1048576))") == (None, "")


def test_a_table_has_24_indexes_and_a_cluster_ten_schemas(table: Clients) -> None:
    """Documented D; the key of the table is one of the indexes, and IF NOT EXISTS no way around the schemas."""
    admin = table.connect()
    for _ in range(23):
        rows(admin, "CREATE INDEX ASYNC ON t (a)")
    message = "more than 24 indexes per table are not allowed"
    assert refused_once_more(admin, "CREATE INDEX ASYNC ON t (a)") == ("54000", message)
    with table.server.temporary_schemas():
        made = [f"{table.schema}_{number}" for number in range(10)]
        answers = [refused_once_more(admin, f"CREATE SCHEMA {name}") for name in made]
        assert answers[0] == (None, "")
        assert answers[-1] == ("54000", "more than 10 schemas not allowed")
        again = refused_once_more(admin, f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
        assert again == ("54000", "more than 10 schemas not allowed")


def refused_once_more(connection: psycopg.Connection, statement: str) -> tuple[str | None, str]:
    """Return the refusal of a statement, tried again where a job's end has changed the catalog."""
    while (found := refusal(connection, statement))[0] == "40001":
        continue
    return found
