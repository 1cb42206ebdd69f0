"""Moving one's own revisions behind those of another branch, when both have used the same numbers."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.checksums import read_revision
from aurora_lambda_runtime.migrations.history.revisions import REVISION_FILE, RevisionFile


def own_revisions(versions: Path, applied: Mapping[str, RevisionFile]) -> list[str]:
    """Return the names of the files to move: from the first doubled number on, those that are not what was applied.

    Raises:
        MigrationError: no number is doubled, or a database does not tell whose revision is whose.
    """
    names = _names(versions)
    numbers = [name.partition("_")[0] for name in names]
    doubled = sorted({number for number in numbers if numbers.count(number) > 1}, key=int)
    if not doubled:
        raise MigrationError("nothing to renumber: each revision has a number of its own. Name the files to move")
    checksums = {file.checksum for file in applied.values()}
    later = [name for name in names if int(name.partition("_")[0]) >= int(doubled[0])]
    own = [name for name in later if read_revision(versions / name).checksum not in checksums]
    if len(own) == len(later):
        raise MigrationError(
            f"the database has none of {', '.join(later)} applied, so it does not tell which are yours: name them, as"
            f" in aurora-lambda new-migration --renumber {later[-1]}"
        )
    return own


def renumber(versions: Path, own: Collection[str], applied: Mapping[str, RevisionFile] | None = None) -> list[Path]:
    """Give the files named in `own` the numbers after all others, in their order, and return their new paths.

    A file's name, its `revision` and its `down_revision` change together; nothing else does. `applied` is what the
    database here has, where one is up.

    Raises:
        MigrationError: a name is no revision's, a file is applied here under its number, or it does not say its
            revision in a line that can be rewritten.
    """
    names = _names(versions)
    if unknown := sorted({*own} - {*names}):
        raise MigrationError(f"there is no revision {unknown[0]} in {versions.name}/; there are {', '.join(names)}")
    moved = [name for name in names if name in own]
    _refuse_applied(versions, moved, applied or {})
    before = max((name.partition("_")[0] for name in names if name not in own), key=int, default="0000")
    written: dict[Path, str] = {}
    for name in moved:
        number = f"{int(before) + 1:04d}"
        text = assigned(versions / name, (versions / name).read_text(), "revision", number)
        written[versions / f"{number}_{name.partition('_')[2]}"] = assigned(
            versions / name, text, "down_revision", before
        )
        before = number
    for name in moved:
        (versions / name).unlink()
    for path, text in written.items():
        path.write_text(text)
    return list(written)


def _refuse_applied(versions: Path, moved: Sequence[str], applied: Mapping[str, RevisionFile]) -> None:
    checksums = {file.checksum for file in applied.values()}
    here = [name for name in moved if read_revision(versions / name).checksum in checksums]
    if not here:
        return
    number = here[0].partition("_")[0]
    others = [name for name in _names(versions) if name not in moved and int(name.partition("_")[0]) >= int(number)]
    if not others:
        raise MigrationError(f"nothing to renumber: {', '.join(here)} comes after all others already")
    before = max((each for each in applied if int(each) < int(number)), key=int, default="base")
    raise MigrationError(
        f"the database here has applied {', '.join(here)}, and would take another revision {number} for it: nothing was"
        f" renumbered. Undo it first: move {', '.join(others)} out of {versions.name}/, type aurora-lambda up and"
        f" aurora-lambda migrate downgrade {before}, and put the files back; or delete the data here by"
        " aurora-lambda down"
    )


def _names(versions: Path) -> Sequence[str]:
    """Return the names of all revision files, in the order of their numbers."""
    names = [path.name for path in versions.iterdir() if REVISION_FILE.fullmatch(path.name)]
    return sorted(names, key=lambda name: (int(name.partition("_")[0]), name))


def assigned(file: Path, text: str, name: str, value: str | None) -> str:
    """Return a revision's text with the module's variable `name` set to `value`.

    Raises:
        MigrationError: no line, or more than one, sets it to a text or to None.
    """
    line = re.compile(rf"^({name}(?:\s*:[^=\n]*)?\s*=\s*)(?:None|'[^'\n]*'|\"[^\"\n]*\")", re.MULTILINE)
    changed, count = line.subn(r"\g<1>" + (f'"{value}"' if value else "None"), text)
    if count != 1:
        raise MigrationError(f"{file.name} has no line such as {name} = {value!r}: nothing was written")
    return changed
