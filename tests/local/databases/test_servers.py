"""Real database servers in a private folder."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pymysql
import pytest
from psycopg.conninfo import make_conninfo

from aurora_lambda_local.databases import mysql
from aurora_lambda_local.databases.registry import DatabaseServer, ServerUnavailableError, database_server
from tests.services import SERVERS, eventually, missing, new_server

pytestmark = pytest.mark.slow

PARAMETERS = {"idle_session_timeout": "60000", "wait_timeout": "60", "rds.force_ssl": "1", "aurora_only": "1"}
PASSWORD = 'it\'s 100% "secret"'


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """Return a folder too deep for the path of a socket (108 bytes), as a checkout may be."""
    return tmp_path / ("deep" * 30)


@pytest.fixture(scope="module", params=SERVERS)
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """Start a server of each engine, in a folder as deep as `deep`."""
    server = new_server(request.param, tmp_path_factory.mktemp("deep" * 30), PARAMETERS)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(started: DatabaseServer) -> DatabaseServer:
    """Return that server with a master user, started again where a test has stopped it."""
    if not started.alive():
        started.start()
    started.set_master("boss", PASSWORD)
    return started


def query(server: DatabaseServer, *statements: str, user: str = "boss", password: str = PASSWORD) -> Any:
    """Run statements as a client would, over TCP; the last one's first row."""
    login: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": user,
        "password": password,
        "autocommit": True,
    }
    if server.engine == "postgres":
        connection: Any = psycopg.connect(**login, dbname="postgres")
    else:
        connection = pymysql.connect(**login)
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


def test_the_master_user_has_the_rights_rds_gives_and_no_more(server: DatabaseServer) -> None:
    """If it had more, a migration would work here and be refused on Aurora; with less, the other way round."""
    if server.engine == "postgres":
        query(server, "CREATE DATABASE app", "CREATE ROLE reader LOGIN", "GRANT rds_iam TO reader")
        assert query(
            server, "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ) == (False, True, True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(server, "COPY pg_roles TO PROGRAM 'cat'")
    else:
        query(
            server,
            "CREATE DATABASE app",
            "CREATE USER reader@'%' IDENTIFIED BY 'r'",
            "GRANT SELECT ON app.* TO reader@'%'",
        )
        assert query(server, "SELECT current_user()") == ("boss@%",)
        with pytest.raises(pymysql.err.OperationalError, match="FILE privilege"):
            query(server, "SELECT load_file('/etc/passwd') INTO OUTFILE '/tmp/never'")


def test_a_wrong_password_is_refused(server: DatabaseServer) -> None:
    """A stack whose secret is wrong would seem to work here."""
    with pytest.raises((psycopg.OperationalError, pymysql.err.OperationalError)):
        query(server, "SELECT 1", password="wrong")


def test_the_superuser_cannot_log_in_over_tcp(server: DatabaseServer) -> None:
    """Anybody on this machine could take the database over."""
    superuser = "postgres" if server.engine == "postgres" else "root"
    with pytest.raises((psycopg.OperationalError, pymysql.err.OperationalError)):
        query(server, "SELECT 1", user=superuser, password="")


def test_parameters_that_the_server_knows_are_set_and_others_left_out(server: DatabaseServer) -> None:
    """Idle connections would stay open here and hide that a function does not survive their loss."""
    if server.engine == "postgres":
        assert query(server, "SHOW idle_session_timeout") == ("1min",)
    else:
        assert query(server, "SELECT @@global.wait_timeout") == (60,)


def test_data_and_users_survive_a_killed_server(server: DatabaseServer) -> None:
    """A crash or a reboot would cost a person the database."""
    query(server, "CREATE DATABASE kept")
    [process] = [each for each in psutil.Process().children() if _belongs(each, server)]
    os.kill(process.pid, signal.SIGKILL)
    assert eventually(lambda: not server.alive())

    server.start(server.port)

    found = {
        "postgres": "SELECT datname FROM pg_database WHERE datname = 'kept'",
        "mysql": "SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'kept'",
    }
    assert query(server, found[server.engine]) == ("kept",)


def test_a_server_takes_over_the_folder_of_one_that_was_left_behind(server: DatabaseServer) -> None:
    """Two servers on one folder destroy its data; one that refuses to start would need a person to find the other."""
    second = copy(server)
    second.start()
    try:
        assert (server.alive(), second.alive()) == (False, True)
        assert query(second, "SELECT 1") == (1,)
    finally:
        second.stop()


def test_a_changed_password_is_the_only_one(server: DatabaseServer) -> None:
    """The password is made anew at each start: an old one that went on working would be a leak."""
    server.set_master("boss", "new")
    assert query(server, "SELECT 1", password="new") == (1,)
    with pytest.raises((psycopg.OperationalError, pymysql.err.OperationalError)):
        query(server, "SELECT 1")


def test_no_password_is_on_disk(server: DatabaseServer) -> None:
    """Whoever reads the checkout's files would have the password."""
    query(server, "SELECT 1")
    server.stop()
    found = [file for file in server.data.rglob("*") if file.is_file() and PASSWORD.encode() in file.read_bytes()]
    assert found == []


def test_members_of_rds_iam_are_let_in_without_a_password(deep: Path) -> None:
    """A function with databaseAuth iam, whose token nobody here can check, would be refused."""
    server = database_server("postgres", deep, {})
    server.start()
    try:
        server.set_master("boss", PASSWORD)
        query(server, "CREATE ROLE app LOGIN", "GRANT rds_iam TO app", "CREATE ROLE other LOGIN")
        assert query(server, "SELECT current_user", user="app", password="any token") == ("app",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            query(server, "SELECT 1", user="other", password="any token")
    finally:
        server.stop()


def test_a_session_that_vanishes_inside_a_transaction_is_ended(deep: Path) -> None:
    """It would hold its locks, and keep the migration runner busy, for ever."""
    server = database_server("postgres", deep, {"idle_in_transaction_session_timeout": "1000"})
    server.start()
    try:
        server.set_master("boss", PASSWORD)
        query(server, "CREATE TABLE locked (id integer)")
        login = make_conninfo(host="127.0.0.1", port=server.port, user="boss", password=PASSWORD, dbname="postgres")
        with psycopg.connect(login) as vanished:
            vanished.execute("LOCK TABLE locked")
            query(server, "DROP TABLE locked")
            with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
                vanished.execute("SELECT 1")
    finally:
        server.stop()


def test_a_pid_file_that_names_a_stranger_is_no_hindrance(deep: Path) -> None:
    """After a reboot its number may be any program's, and PostgreSQL would refuse to start."""
    server = database_server("postgres", deep, {})
    server.start()
    server.stop()
    stranger = f"{os.getpid()}\n{server.cluster}\n1\n{server.port}\n.\n127.0.0.1\n0 0\nready\n"
    (server.cluster / "postmaster.pid").write_text(stranger)
    server.start()
    server.stop()


def test_a_taken_port_is_named_in_the_error(deep: Path) -> None:
    """A person would see a time-out instead of the reason."""
    server = database_server("postgres", deep, {})
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServerUnavailableError) as refused:
            server.start(port)
    assert str(refused.value).startswith("the postgres server did not start; its log ends with:\n")
    assert f"running on port {port}?" in str(refused.value)


def test_a_machine_without_mysql_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A newcomer would not know that MySQL is the one thing `make setup` cannot bring."""
    monkeypatch.setattr(mysql, "SEARCH_PATH", str(tmp_path))
    with pytest.raises(ServerUnavailableError) as refused:
        database_server("mysql", tmp_path / "data", {})
    assert str(refused.value) == (
        "no MariaDB or MySQL server is installed here: apt-get install mariadb-server (macOS: brew install mariadb)"
    )


def _program(folder: Path, name: str, version: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
    (folder / name).chmod(0o755)


def test_data_is_read_by_the_kind_of_server_that_wrote_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After an installation of MySQL beside MariaDB, a stack with rows would not start any more."""
    programs = tmp_path / "programs"
    monkeypatch.setattr(mysql, "SEARCH_PATH", str(programs))
    _program(programs, "mariadbd", "mariadbd  Ver 11.8 MariaDB")
    cluster = tmp_path / "data" / "cluster"

    def chosen() -> str:
        return database_server("mysql", tmp_path / "data", {})._command()[0]

    assert chosen() == str(programs / "mariadbd")
    _program(programs, "mysqld", "mysqld  Ver 9.7 MySQL")
    assert chosen() == str(programs / "mysqld")
    cluster.mkdir(parents=True)
    assert chosen() == str(programs / "mariadbd")
    (cluster / "mysql.ibd").touch()
    assert chosen() == str(programs / "mysqld")
    (programs / "mysqld").unlink()
    with pytest.raises(ServerUnavailableError) as refused:
        chosen()
    assert str(refused.value) == (
        "MySQL wrote this stack's data, and only MariaDB is installed here: install MySQL again, or start anew, without"
        " the rows, with: aurora-lambda down && aurora-lambda up"
    )


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_a_server_ends_with_the_process_that_started_it(engine: str, deep: Path) -> None:
    """A killed supervisor would leave servers running that nobody knows of."""
    program = (
        "import sys, time, pathlib; from aurora_lambda_local.databases.registry import database_server\n"
        "server = database_server(sys.argv[1], pathlib.Path(sys.argv[2]), {}); server.start()\n"
        "print(server.port, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, engine, str(deep)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout
        if not starter.stdout.readline():
            assert starter.stderr
            missing(starter.stderr.read())
        starter.kill()
    assert eventually(lambda: not _of(str(deep)))


def _belongs(process: psutil.Process, server: DatabaseServer) -> bool:
    try:
        return any(str(server.cluster) in word for word in process.cmdline())
    except psutil.ZombieProcess:
        return False


def _of(word: str) -> list[str]:
    found = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [json.dumps(line) for line in found if any(word in each for each in line)]


def test_locks_that_a_power_cut_left_do_not_stop_the_server(server: DatabaseServer) -> None:
    """After a power cut the number in a lock may be any program's, for which the server would wait for ever."""
    server.stop()
    own = f"{os.getpid()}\n{server.cluster}\n1\n{server.port}\n"
    for name in (f".s.PGSQL.{server.port}", "server.sock"):
        (server.cluster / name).touch()
        (server.cluster / f"{name}.lock").write_text(own)
    server.start(server.port)
    assert query(server, "SELECT 1") == (1,)
