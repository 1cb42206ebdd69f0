"""One migration runner at a time, where the database has no locks."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_lambda_local.databases.dsql.server import DsqlServer as ClusterServer
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.migrations.errors import MigrationBusyError, MigrationError
from aurora_lambda_runtime.migrations.servers import open_server
from aurora_lambda_runtime.migrations.servers.dsql import DsqlServer, lease
from aurora_lambda_runtime.migrations.servers.dsql.lease import CREATE_LEASE_TABLE
from tests.images.dsql.conftest import Application
from tests.images.revisions import history, tables
from tests.services import CountingProxy, eventually

pytestmark = pytest.mark.slow

EXPIRY = "SELECT expires_at FROM migration_lease"


def server_of(application: Application) -> DsqlServer:
    """Return a runner's server, not locked yet."""
    server = open_server(Connector(database_settings(application.database.environment())), create=True)
    assert isinstance(server, DsqlServer)
    return server


def test_a_second_runner_is_told_at_once(application: Application) -> None:
    """Whoever waits in line runs out of time; whoever does not wait applies everything twice."""
    first = server_of(application)
    first.lock()
    with pytest.raises(MigrationBusyError, match="^busy: another migration runner is at work on the database"):
        application.run()
    first.close()
    assert application.run()["status"] == "ok"


def test_a_runner_that_is_at_work_for_long_stays_alone(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that is not renewed ends in the middle of a large migration."""
    monkeypatch.setattr(lease, "RENEWAL_SECONDS", 0.1)
    first, second = server_of(application), server_of(application)
    first.lock()
    until = application.admin_rows(EXPIRY)
    assert eventually(lambda: application.admin_rows(EXPIRY) > until)
    with pytest.raises(MigrationBusyError):
        second.lock()
    assert first.row("SELECT 1") == (1,)
    first.close()
    second.lock()
    second.close()


def test_the_lease_of_a_dead_runner_ends_by_itself(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to release it: the next deployment waits for that, rather than fail and be typed again."""
    with monkeypatch.context() as short:
        short.setattr(lease, "RENEWAL_SECONDS", 1000.0)
        short.setattr(lease, "LEASE_SECONDS", 1.5)
        dead = server_of(application)
        dead.lock()
    assert application.run()["status"] == "ok"
    dead.close()


def test_a_runner_that_died_before_it_took_the_first_lease_keeps_nobody_out(application: Application) -> None:
    """A table without its row, taken for a lock that is held, would keep every deployment out for ever."""
    server = server_of(application)
    server.create_database()
    server.run(CREATE_LEASE_TABLE)
    server.close()
    assert application.run()["status"] == "ok"


def test_a_runner_that_lost_its_lease_touches_nothing_more(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner that was stopped for a while would go on beside the one that took its place."""
    server = server_of(application)
    server.lock()
    later = time.monotonic() + lease.LEASE_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(MigrationError, match="^the lock could not be renewed for 10 seconds"):
        server.run("CREATE TABLE t (id integer)")
    monkeypatch.undo()
    server.close()


def test_a_runner_whose_cluster_is_gone_ends_without_waiting_for_it(
    application: Application, dsql_server: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewal would try to connect until the function's time is up, and nobody would be told the first error."""
    monkeypatch.setattr(lease, "RENEWAL_SECONDS", 0.1)
    proxy = CountingProxy(application.database.port)
    connector = Connector(database_settings(replace(application.database, port=proxy.port).environment()))
    connector.deadline = time.monotonic() + 3600
    server = open_server(connector, create=True)
    server.lock()
    assert eventually(lambda: proxy.connections == 2)
    proxy.close()
    dsql_server.end_connections()
    time.sleep(1)
    closing = threading.Thread(target=server.close, daemon=True)
    closing.start()
    assert eventually(lambda: not closing.is_alive())


def test_of_five_runners_one_applies_the_revisions(application: Application, tmp_path: Path) -> None:
    """Every one of five stacks' deployments invokes its runner; each revision is applied once."""
    versions = history(tmp_path, *tables(4))
    with ThreadPoolExecutor() as pool:
        errors = list(pool.map(lambda _number: application.run_in_process(versions=versions), range(5)))
    assert "" in errors
    assert {error.partition(":")[0] for error in errors} <= {"", "busy"}, errors
    assert application.run({"command": "status"}, versions)["after"] == "0004"
