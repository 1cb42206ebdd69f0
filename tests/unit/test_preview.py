"""What `aurora-lambda preview` says of the revisions."""

from pathlib import Path

import pytest

from aurora_lambda_local.cli.preview import print_pending
from aurora_lambda_local.program.preview import PreviewResult
from tests.images.revisions import history, tables


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"created": 3}, "\n-- 0001 step 1\n"),
        ({"created": 1, "same": 2}, "note: the SQL is for an empty postgres database; one kept from before needs less"),
    ],
)
def test_where_an_up_has_failed_the_sql_is_that_of_an_empty_database_and_says_so(
    changes: dict[str, int],
    first: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Revisions that the failed `up` did apply would seem to be applied once more."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "pyproject.toml").write_text('[tool.aurora-lambda]\napplication = "previewed"\n')
    history(tmp_path / "previewed" / "versions", *tables(1))
    (tmp_path / "previewed" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    print_pending("local", PreviewResult(changes, {"engine": "postgres"}, {}))
    assert capsys.readouterr().out.startswith(first)


def test_a_program_that_is_no_service_has_no_revisions(capsys: pytest.CaptureFixture[str]) -> None:
    """Its preview would end in a traceback."""
    print_pending("local", PreviewResult({"same": 3}, {"url": "http://127.0.0.1:1/"}, {}))
    assert capsys.readouterr().out == ""
