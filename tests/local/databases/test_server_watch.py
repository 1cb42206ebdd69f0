"""Database servers that end by themselves."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from aurora_lambda_local.databases import server_watch
from aurora_lambda_local.databases.postgres import PostgresServer
from aurora_lambda_local.databases.registry import DatabaseServer, ServerUnavailableError
from aurora_lambda_local.databases.server_watch import MAXIMUM_RESTARTS, ServerWatch
from tests.services import SERVERS, eventually, new_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SERVERS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DatabaseServer:
    """Return a server of each engine, which has its data from the first start on."""
    return new_server(request.param, tmp_path_factory.mktemp("watched") / "data", {})


@pytest.fixture
def server(made: DatabaseServer) -> Iterator[DatabaseServer]:
    """Start that server."""
    made.start()
    yield made
    made.stop()


def pid(server: DatabaseServer) -> int:
    """Return the process id of a server; 0 when none runs."""
    found = [each.pid for each in psutil.Process().children() if _runs(each, server)]
    return found[0] if found else 0


def _runs(process: psutil.Process, server: DatabaseServer) -> bool:
    try:
        return any(str(server.cluster) in word for word in process.cmdline())
    except psutil.Error:
        return False


def test_a_killed_server_is_started_again_on_its_port(server: DatabaseServer) -> None:
    """Functions would fail from then on, as the address they know would answer no more."""
    watch, before, port = ServerWatch(server), pid(server), server.port
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: pid(server) not in (0, before))
    assert (watch.alive(), server.port) == (True, port)
    watch.stop()


def test_whoever_asks_meanwhile_waits_for_it(server: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` would start a second server on the same files."""
    monkeypatch.setattr(server_watch, "POLL_SECONDS", 60)
    watch, before = ServerWatch(server), pid(server)
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: not server.alive())
    assert watch.alive()
    assert pid(server) not in (0, before)
    watch.stop()


def test_a_server_that_is_stopped_stays_so(server: DatabaseServer) -> None:
    """`down` would leave a server running."""
    watch = ServerWatch(server)
    watch.stop()
    assert not watch.alive()
    assert pid(server) == 0


def test_a_servers_log_keeps_what_is_new_and_stays_small(
    server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that is up for weeks, with an application that makes errors, would fill the disk."""
    monkeypatch.setattr("aurora_lambda_local.databases.server.LOG_BYTES", 20_000)
    watch, earlier = ServerWatch(server), server.log.with_name("server.log.1")
    with server.log.open("ab") as log:
        log.write(b"old\n" * 6000)
    assert eventually(lambda: earlier.exists() and server.log.stat().st_size < 20_000)
    # MariaDB may have logged something after it.
    assert b"old\n" * 6000 in earlier.read_bytes()
    os.kill(pid(server), signal.SIGTERM)
    assert eventually(lambda: b"shut" in server.log.read_bytes().lower())
    assert not server.log.read_bytes().startswith(b"\0")
    watch.stop()


class BrokenServer(PostgresServer):
    """A server that never starts, and counts how often it is asked to."""

    starts = 0

    def start(self, port: int | None = None) -> None:
        self.starts += 1
        raise ServerUnavailableError(f"nothing starts on port {port}")


def test_a_server_that_cannot_start_is_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine would be busy for ever, and `up` would not say what is wrong."""
    broken = BrokenServer(tmp_path, {})
    watch = ServerWatch(broken)
    assert [watch.alive() for _ in range(5)] == [False] * 5
    assert broken.starts == MAXIMUM_RESTARTS
    assert capsys.readouterr().err.count("nothing starts on port 0") == MAXIMUM_RESTARTS
    watch.stop()
