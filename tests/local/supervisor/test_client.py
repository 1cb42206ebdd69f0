"""What the commands make of the files that tell of a supervisor."""

import json
import os
import shutil
from pathlib import Path

import pytest

from aurora_lambda_local import commands
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.supervisor import client as supervisor_client
from aurora_lambda_local.supervisor.client import SupervisorClient, exclusive
from tests.local.running import processes


@pytest.fixture
def paths(tmp_path: Path) -> LocalPaths:
    """Return the paths of a checkout of which nothing runs."""
    (tmp_path / ".local").mkdir()
    return LocalPaths.for_checkout(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", "{nope", '{"pid": 1}', '{"pid": "1", "port": 1, "token": "", "code": ""}',
     '{"pid": -1, "port": 1, "token": "", "code": ""}', '{"pid": null, "port": 1, "token": "", "code": ""}'],
)  # fmt: skip
def test_a_damaged_file_is_no_supervisor(paths: LocalPaths, content: str) -> None:
    """Each command would end in a traceback until somebody removes the file."""
    paths.supervisor.write_text(content)
    assert SupervisorClient(paths).is_running() is False


def test_a_supervisor_that_takes_too_long_is_ended_and_said_to_be_slow(
    paths: LocalPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`up` would report a failure with an empty log, and the next one fight with a supervisor that came up late."""
    slow = paths.root / "aurora_lambda_local"
    slow.mkdir()
    (slow / "__init__.py").write_text("import time; time.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(paths.root))
    monkeypatch.setattr(supervisor_client, "START_SECONDS", 0.5)
    message = "^the supervisor did not start within 0.5 s: try again on a less busy machine$"
    with pytest.raises(LocalError, match=message):
        SupervisorClient(paths).start()
    assert processes(paths.root) == []


def test_what_a_supervisor_of_another_version_refuses_is_said_with_what_to_type(paths: LocalPaths) -> None:
    """After an upgrade a command would end with the name of an operation, and nobody know that `up` mends it."""
    supervisor = SupervisorClient(paths)
    supervisor.start()
    try:
        with pytest.raises(LocalError) as refused:
            supervisor.given_up()
        info = json.loads(paths.supervisor.read_text())
        paths.supervisor.write_text(json.dumps({**info, "code": "another"}))
        with pytest.raises(LocalError) as refused_by_another:
            supervisor.given_up()
    finally:
        supervisor.stop()
    assert str(refused.value) == "no stack is up: run aurora-lambda up"
    assert str(refused_by_another.value) == (
        f"{refused.value}. What runs here was started by another version of aurora-lambda: run aurora-lambda up"
    )


def test_who_has_joined_a_group_gets_a_supervisor_that_is_in_it(
    paths: LocalPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who joins Docker's group, as told, would be told so again: an older login's supervisor asks the engine."""
    supervisor = SupervisorClient(paths)
    supervisor.start()
    try:
        assert supervisor.is_current()
        groups = [*os.getgroups(), 12345]
        monkeypatch.setattr(os, "getgroups", lambda: groups)
        assert not supervisor.is_current()
    finally:
        supervisor.stop()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """`up` and `down` would end in a traceback."""
    paths = LocalPaths.for_checkout(tmp_path)
    paths.root.write_text("no folder")
    with (
        pytest.raises(LocalError, match=rf"^{paths.root} cannot be written \(File exists\): make it writable for you$"),
        exclusive(paths),
    ):
        pass


def test_a_stack_whose_folder_was_moved_is_stopped_from_the_new_place(tmp_path: Path) -> None:
    """`down` would say that all is stopped, and its servers would go on until the machine is restarted."""
    before, after = tmp_path / "before", tmp_path / "after"
    (before / ".local").mkdir(parents=True)
    SupervisorClient(LocalPaths.for_checkout(before)).start()
    before.rename(after)
    moved = SupervisorClient(LocalPaths.for_checkout(after))
    assert (moved.is_running(), len(processes(before))) == (False, 1)
    moved.stop()
    assert processes(before) == []
    assert not before.exists()


def test_a_copy_of_a_folder_leaves_the_stack_of_the_original_alone(tmp_path: Path) -> None:
    """Whoever tries something in a copy would end the stack that somebody works with."""
    original, copy = tmp_path / "original", tmp_path / "copy"
    (original / ".local").mkdir(parents=True)
    running = SupervisorClient(LocalPaths.for_checkout(original))
    running.start()
    try:
        shutil.copytree(original, copy)
        SupervisorClient(LocalPaths.for_checkout(copy)).stop()
        assert running.is_running()
    finally:
        running.stop()


def test_a_stack_that_was_in_containers_is_ended_without_their_engine(
    paths: LocalPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of the machine `up` would want a Docker engine to run functions that need none."""
    paths.containers.touch()
    paths.supervisor.write_text("{}")
    monkeypatch.setenv("PATH", str(paths.root))
    SupervisorClient(paths).stop()
    assert not paths.supervisor.exists()


def test_down_without_the_engine_that_has_the_images_says_what_is_left(
    paths: LocalPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would know whether the stack still runs, and its data is there."""
    paths.containers.touch()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LocalError) as failed:
        commands.down(paths.root.parent)
    assert str(failed.value) == (
        "stopped, with all data kept: the images to delete are in an engine, and no Docker engine is installed:"
        " on Debian or Ubuntu, apt-get install docker.io; elsewhere see https://docs.docker.com/engine/install/"
    )
    assert paths.containers.exists()
