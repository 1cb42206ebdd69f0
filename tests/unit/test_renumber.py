"""Revisions of two branches with the same numbers."""

from pathlib import Path

import pytest

from aurora_lambda.project import Project
from aurora_lambda_local.cli.main import main
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.checksums import read_revisions
from aurora_lambda_runtime.migrations.history.renumber import own_revisions, renumber
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile

TEXT = '"""{message}"""\n\nrevision = "{revision}"\ndown_revision: str | None = {before}\n\nNOTE = "0007"\n'


def write(folder: Path, name: str, before: str = "None") -> None:
    revision, _, slug = name.removesuffix(".py").partition("_")
    (folder / name).write_text(TEXT.format(message=slug, revision=revision, before=before))


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Return the merge of two branches: both have a 0007, and ours goes on."""
    write(tmp_path, "0006_both.py")
    write(tmp_path, "0007_add_nick.py", "'0006'")
    write(tmp_path, "0007_add_age.py", "'0006'")
    write(tmp_path, "0008_index_age.py", "'0007'")
    return tmp_path


def applied(versions: Path, *names: str) -> dict[str, RevisionFile]:
    """Return what a database has applied."""
    alone = versions / "alone"
    alone.mkdir()
    for name in names:
        (alone / name).write_text((versions / name).read_text())
    return read_revisions(alone)


def test_ones_own_revisions_move_behind_the_other_branchs(versions: Path) -> None:
    """Renamed by hand, a down_revision is soon forgotten, and the history has two ends or none."""
    own = own_revisions(versions, applied(versions, "0006_both.py", "0007_add_nick.py"))
    assert own == ["0007_add_age.py", "0008_index_age.py"]
    assert [path.name for path in renumber(versions, own)] == ["0008_add_age.py", "0009_index_age.py"]
    assert sorted(path.name for path in versions.glob("*.py")) == [
        "0006_both.py",
        "0007_add_nick.py",
        "0008_add_age.py",
        "0009_index_age.py",
    ]
    for name, revision, before in (("0008_add_age.py", "0008", "0007"), ("0009_index_age.py", "0009", "0008")):
        lines = (versions / name).read_text().splitlines()
        assert lines[2:4] == [f'revision = "{revision}"', f'down_revision: str | None = "{before}"']
        assert lines[5] == 'NOTE = "0007"', "nothing else is changed"


def test_whose_revision_is_whose_is_not_guessed(versions: Path) -> None:
    """The other branch's revision would be renumbered, which databases have applied under its number."""
    with pytest.raises(MigrationError, match=r"^the database has none of 0007_add_age.py, .* name them, as in aurora-"):
        own_revisions(versions, applied(versions, "0006_both.py"))
    with pytest.raises(MigrationError, match=r"^there is no revision 0009_x.py in .*; there are 0006_both.py, "):
        renumber(versions, ["0009_x.py"])


def test_a_revision_that_cannot_be_rewritten_leaves_all_files_as_they_are(versions: Path) -> None:
    """Half of a chain renumbered is worse than none."""
    file = versions / "0008_index_age.py"
    file.write_text(file.read_text().replace('revision = "0008"', 'revision = str("0008")', 1))
    before = {path.name: path.read_text() for path in versions.glob("*.py")}
    with pytest.raises(MigrationError, match=r"^0008_index_age.py has no line such as revision = '0009'"):
        renumber(versions, ["0007_add_age.py", "0008_index_age.py"])
    assert {path.name: path.read_text() for path in versions.glob("*.py")} == before


def test_what_the_database_here_has_applied_keeps_its_number(versions: Path) -> None:
    """It would be another revision's in the database, which no command gets out of."""
    here = applied(versions, "0006_both.py", "0007_add_age.py", "0008_index_age.py")
    names = sorted(path.name for path in versions.glob("*.py"))
    with pytest.raises(MigrationError) as refusal:
        renumber(versions, ["0007_add_age.py", "0008_index_age.py"], here)
    assert str(refusal.value) == (
        "the database here has applied 0007_add_age.py, 0008_index_age.py, and would take another revision 0007 for it:"
        " nothing was renumbered. Undo it first: move 0007_add_nick.py out of versions/, type aurora-lambda up and"
        " aurora-lambda migrate downgrade 0006, and put the files back; or delete the data here by aurora-lambda down"
    ).replace("versions/", f"{versions.name}/")
    assert sorted(path.name for path in versions.glob("*.py")) == names


def test_what_comes_last_already_and_is_applied_needs_no_other_number(versions: Path) -> None:
    """The remedy named no file to move."""
    (versions / "0007_add_nick.py").unlink()
    with pytest.raises(
        MigrationError, match=r"^nothing to renumber: 0008_index_age\.py comes after all others already$"
    ):
        renumber(versions, ["0008_index_age.py"], applied(versions, "0008_index_age.py"))


def test_a_revision_that_the_database_here_lacks_is_not_taken_for_ones_own(
    versions: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has applied their own and merges would move the other branch's, which others' databases have."""
    here = applied(versions, "0006_both.py", "0007_add_age.py", "0008_index_age.py")
    monkeypatch.setattr(Project, "versions", property(lambda _: versions))
    monkeypatch.setattr("aurora_lambda_local.cli.migration_commands.applied_revisions", lambda: here)
    assert main(["new-migration", "--renumber"]) == 1
    assert "nothing is renumbered. Name your own: " in capsys.readouterr().err
    assert (versions / "0007_add_nick.py").exists()
