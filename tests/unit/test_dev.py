"""When `aurora-lambda dev` deploys."""

import threading
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from aurora_lambda.project import Project
from aurora_lambda_local.cli.dev import Deployment, deploy_in_turn, deploy_on_save
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.supervisor.client import exclusive


class EndError(Exception):
    """Ends what would go on for ever."""


def test_what_is_saved_during_a_deployment_makes_one_more(tmp_path: Path) -> None:
    """A save during a deployment would be lost, or three saves be deployed three times."""
    deployed: list[list[str]] = []

    def deploy(saved: Sequence[Path]) -> None:
        deployed.append([file.name for file in saved])
        if len(deployed) == 1:
            (tmp_path / "routes.py").write_text("1")
            (tmp_path / "routes.py").write_text("2")
            (tmp_path / "folder").mkdir()
            (tmp_path / "tables.py").write_text("1")

    def end() -> None:
        if len(deployed) == 2:
            raise EndError

    with pytest.raises(EndError):
        deploy_on_save([tmp_path], deploy, end)
    assert deployed == [[], ["folder", "routes.py", "tables.py"]]


def test_files_that_are_no_sources_deploy_nothing(tmp_path: Path) -> None:
    """Each deployment, which writes caches, would be followed by another, as would opening a file in an editor."""
    deployed: list[list[str]] = []

    def deploy(saved: Sequence[Path]) -> None:
        deployed.append([file.name for file in saved])
        for folder in (".git", "__pycache__", ".venv", ".local", ".aurora-lambda"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "routes.py").write_text("")
        for name in (".routes.py.swp", "routes.py~", ".#routes.py", "#routes.py#", "4913", "routes.pyc"):
            (tmp_path / name).write_text("")

    rounds = iter(range(4))

    def end() -> None:
        if next(rounds, None) is None:
            raise EndError

    with pytest.raises(EndError):
        deploy_on_save([tmp_path, tmp_path / "application"], deploy, end)
    assert deployed == [[]]


def test_a_folder_that_was_deleted_and_comes_again_is_watched_again(tmp_path: Path) -> None:
    """After another branch without it was checked out, or a folder moved and moved back, saves deployed nothing."""
    folder, deployed = tmp_path / "application", list[list[str]]()
    steps = iter([
        folder.rmdir,
        folder.mkdir,
        lambda: (folder / "routes.py").write_text("1"),
        lambda: (folder.rename(tmp_path / "away"), folder.mkdir()),
        lambda: (folder / "tables.py").write_text("1"),
    ])  # fmt: skip
    folder.mkdir()

    def deploy(saved: Sequence[Path]) -> None:
        deployed.append([file.name for file in saved])
        # What is saved while a folder is not watched again yet comes with it.
        step = next(steps, None)
        if step is None:
            raise EndError
        step()

    with pytest.raises(EndError):
        deploy_on_save([folder, tmp_path / "other"], deploy, lambda: None)
    assert deployed == [[], ["application"], ["application"], ["routes.py"], ["application"], ["tables.py"]]


def test_a_project_file_that_is_half_written_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`dev` ended, and the saves after it deployed nothing, when an editor or git was just writing pyproject.toml."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    options = Namespace(verbose=False, containers=False, config=[])
    deployment = Deployment(Project.find(), "local", {}, options, [])
    (tmp_path / "pyproject.toml").write_text("[project")

    deployment.deploy([tmp_path / "pyproject.toml"])

    printed = capfd.readouterr()
    problem = "Expected ']' at the end of a table declaration (at end of document)"
    assert printed.err == f"error: {tmp_path}/pyproject.toml is not TOML: {problem}\n"
    assert printed.out == (
        "\nSaved pyproject.toml\nNot all is deployed: what failed goes on as it was. Mend it and save.\n"
    )


def test_a_save_during_another_deployment_is_deployed_after_that(tmp_path: Path) -> None:
    """What was saved while somebody typed `up` would be an error, with nothing to mend, or never be deployed."""
    paths, tries = LocalPaths(tmp_path), list[str]()
    other = ExitStack()
    other.enter_context(exclusive(paths))
    threading.Timer(0.1, other.close).start()

    def deploy() -> bool:
        with exclusive(paths):
            tries.append("deployed")
        return True

    assert deploy_in_turn(paths, deploy)
    assert tries == ["deployed"]


def test_a_deployment_that_another_came_before_is_tried_again(tmp_path: Path) -> None:
    """Of two `dev` that see the same save, one would never deploy it."""
    paths, tries = LocalPaths(tmp_path), list[str]()
    other = ExitStack()

    def deploy() -> bool:
        if not tries:
            other.enter_context(exclusive(paths))
            threading.Timer(0.1, other.close).start()
        try:
            with exclusive(paths):
                tries.append("deployed")
        except LocalError as error:
            tries.append(str(error))
        return tries[-1] == "deployed"

    assert deploy_in_turn(paths, deploy)
    assert tries == ["another aurora-lambda up or down is under way in this checkout", "deployed"]


def test_a_save_that_cannot_be_deployed_is_tried_once(tmp_path: Path) -> None:
    """A syntax error would be deployed again and again."""
    tries: list[int] = []

    assert not deploy_in_turn(LocalPaths(tmp_path / "none"), lambda: bool(tries.append(1)))
    with exclusive(LocalPaths(tmp_path)):
        tries.append(2)
    assert not deploy_in_turn(LocalPaths(tmp_path), lambda: bool(tries.append(3)))
    assert tries == [1, 2, 3]
