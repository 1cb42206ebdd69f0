"""When `aurora-lambda dev` deploys."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from aurora_lambda_local.cli.dev import deploy_on_save


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
