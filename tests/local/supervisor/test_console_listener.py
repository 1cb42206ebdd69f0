"""The console's socket, which is there before anything of the console is."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.processes import free_port
from aurora_lambda_local.supervisor import console_listener
from aurora_lambda_local.supervisor.console_listener import ConsoleListener
from tests.services import eventually


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[ConsoleListener]:
    listener = ConsoleListener(LocalPaths(tmp_path), free_port())
    yield listener
    listener.close()


def consoles(folder: Path) -> list[psutil.Process]:
    """The processes of the console of this folder."""
    found = []
    for each in psutil.Process().children(recursive=True):
        # One that has just ended has no arguments.
        with suppress(psutil.Error):
            found += [each] if f"--local={folder}" in each.cmdline() else []
    return found


def connect(listener: ConsoleListener) -> socket.socket:
    url = urlsplit(listener.address)
    return socket.create_connection((url.hostname, url.port), timeout=240)


def test_its_process_starts_when_somebody_comes_and_ends_with_the_supervisor(
    listener: ConsoleListener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every `up` would take longer and keep a process that most never look at, or `down` would leave it behind."""
    # A module that goes on until it is ended, whatever its arguments.
    monkeypatch.setattr(console_listener, "MODULE", "http.server")
    monkeypatch.setattr(console_listener, "SOCKET", "--directory=")
    time.sleep(0.3)
    assert consoles(tmp_path) == []
    with connect(listener):
        assert eventually(lambda: bool(consoles(tmp_path)))
    listener.close()
    assert consoles(tmp_path) == []


def test_one_that_does_not_start_refuses_who_waits_and_is_tried_again_by_the_next(
    listener: ConsoleListener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be started for ever, and take all of a processor, while the browser waits."""
    monkeypatch.setattr(console_listener, "MODULE", "no.such.module")

    def starts() -> int:
        with connect(listener) as waiting:
            assert waiting.recv(1) == b""
        return LocalPaths(tmp_path).supervisor_log.read_text().count("No module named 'no'")

    assert starts() == 1
    # One that comes while others are refused is refused with them.
    assert eventually(lambda: starts() > 1)


def test_each_address_has_a_token_of_its_own(listener: ConsoleListener, tmp_path: Path) -> None:
    """Whoever has seen an address once could come back for ever."""
    other = ConsoleListener(LocalPaths(tmp_path), free_port())
    other.close()
    tokens = {urlsplit(each.address).query.removeprefix("token=") for each in (listener, other)}
    assert [len(token) for token in tokens] == [43, 43]
