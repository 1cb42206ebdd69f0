"""What is said of a program that fails."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.program import deploy


class Receiver:
    failures: tuple[str, ...] = ()


@dataclass
class Program:
    directory: Path


@pytest.mark.parametrize(("own", "said"), [(True, ""), (False, ". This aurora-lambda is that of {prefix}, not the")])
def test_a_module_that_only_the_projects_own_environment_has_is_told_from_one_that_is_missing(
    own: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever types the aurora-lambda of another environment is told of a package that the project does have."""

    def run_program(*_: Any, **__: Any) -> NoReturn:
        raise ModuleNotFoundError("No module named 'slugify'")

    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deploy, "run_program", run_program)
    if own:
        monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    with pytest.raises(LocalError) as error:
        deploy.run_reported(Program(tmp_path), Receiver())  # ty: ignore[invalid-argument-type]
    message = str(error.value)
    assert message.startswith(
        "the program failed: ModuleNotFoundError: No module named 'slugify' (test_program_error.py, line "
    )
    end = f" project's; type: . {tmp_path}/.venv/bin/activate"
    assert message.partition(")")[2] == (said.format(prefix=sys.prefix) + end if said else "")


def test_what_a_component_refuses_is_said_with_the_programs_own_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody finds by a line of ours which of their functions lacks an argument."""
    main = compile("\n\njson.loads('nope')\n", str(tmp_path / "stacks" / "__main__.py"), "exec")
    monkeypatch.setattr(deploy, "run_program", lambda *_, **__: exec(main, {"json": json}))  # noqa: S102
    with pytest.raises(LocalError) as error:
        deploy.run_reported(Program(tmp_path / "stacks"), Receiver())  # ty: ignore[invalid-argument-type]
    assert str(error.value) == (
        "the program failed: JSONDecodeError: Expecting value: line 1 column 1 (char 0) (__main__.py, line 3)"
    )
