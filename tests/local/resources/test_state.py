"""The state file, and the ports in it."""

import json
import socket
from pathlib import Path

import pytest

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.resources.context import PortAllocator
from aurora_lambda_local.resources.state import (
    LocalState,
    ResourceRecord,
    StackState,
    load_or_set_aside,
    load_state,
    save_state,
)

STATE = LocalState(
    "local",
    {"local": StackState({"urn:1": ResourceRecord("t", "n", "i", "d", {"port": 1})}, {"a": 1}, ["shop:engine"])},
    {"x": 5},
)


def test_a_state_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """After a restart everything would seem new."""
    save_state(tmp_path / "state", STATE)
    assert load_state(tmp_path / "state") == STATE
    assert load_or_set_aside(tmp_path / "state") == (STATE, "")
    assert [file.name for file in tmp_path.iterdir()] == ["state"]


def test_a_state_is_for_its_owner_only(tmp_path: Path) -> None:
    """Others on the machine could read what the stack is made of."""
    save_state(tmp_path / "state", STATE)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """With a full disk a person would lose track of what is running, or see a traceback."""
    path = tmp_path / "state"
    save_state(path, STATE)
    (tmp_path / "state.new").symlink_to("/dev/full")
    with pytest.raises(LocalError, match=r"state cannot be written \(No space left on device\): fix that and run"):
        save_state(path, LocalState())
    assert load_state(path) == STATE


def test_no_file_is_an_empty_state(tmp_path: Path) -> None:
    """The first `up` of a clone would fail."""
    assert load_state(tmp_path / "state") == LocalState()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{nope",
        "[]",
        "null",
        "{}",
        '{"version": 99}',
        json.dumps({"version": 1, "stacks": 3, "ports": {}, "current": ""}),
        *(
            json.dumps({"version": 1, "stacks": {}, "ports": {"database": port}, "current": ""})
            for port in (0, -1, 65536, 1e400, 5432.5, "5432", True)
        ),
    ],
)
def test_an_unreadable_state_is_put_aside_and_said_so(tmp_path: Path, content: str) -> None:
    """A power cut or an editor would leave a person with a stack that can be neither used nor ended."""
    path = tmp_path / "state"
    path.write_text(content)
    with pytest.raises(LocalError, match=r"state cannot be read .*; aurora-lambda up puts it aside"):
        load_state(path)

    state, note = load_or_set_aside(path)

    assert state == LocalState()
    assert note.startswith(f"{path} cannot be read (")
    assert note.endswith("; it is state.corrupt now, and the databases are kept")
    assert (tmp_path / "state.corrupt").read_text() == content
    assert not path.exists()


def test_a_second_unreadable_state_does_not_replace_the_first(tmp_path: Path) -> None:
    """The first may be the one that somebody wants to repair."""
    for content in ("one", "two"):
        (tmp_path / "state").write_text(content)
        load_or_set_aside(tmp_path / "state")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "state.corrupt": "one",
        "state.corrupt1": "two",
    }


def test_a_folder_in_its_place_is_put_aside_too(tmp_path: Path) -> None:
    """As above."""
    (tmp_path / "state").mkdir()
    assert load_or_set_aside(tmp_path / "state")[0] == LocalState()
    assert (tmp_path / "state.corrupt").is_dir()


def test_a_port_is_kept(tmp_path: Path) -> None:
    """Addresses that people wrote down would change with each `up`."""
    kept: dict[str, int] = {}
    port, note = PortAllocator(kept).allocate("database")
    assert (kept, note) == ({"database": port}, "")
    assert PortAllocator(kept).allocate("database") == (port, "")


def test_a_port_that_a_stranger_took_is_replaced_and_said_so() -> None:
    """`up` would fail, or worse: the stranger would be taken for the database."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        kept = {"database": taken}
        port, note = PortAllocator(kept).allocate("database")
    assert port != taken
    assert note == f"port {taken}, which database had, is taken by another program; it has {port} now"
    assert kept == {"database": port}


def test_two_things_never_share_a_port() -> None:
    """The second would not start."""
    ports = PortAllocator({})
    taken = [ports.allocate(f"thing {number}")[0] for number in range(50)]
    assert len(set(taken)) == 50


def test_ports_are_not_those_of_outgoing_connections() -> None:
    """A port kept for the next `up` would now and then be the near end of somebody's connection, and change."""
    ports = PortAllocator({})
    assert all(20000 <= ports.allocate(f"thing {number}")[0] < 32768 for number in range(20))
