"""Taking over an Alembic history: its revisions are numbered in their order, and their code stays as it is."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.renumber import assigned
from aurora_lambda_runtime.migrations.history.revisions import revision_files

# The variable of an adopted revision that holds the id it had.
ADOPTED_FROM = "adopted_from"
MAX_NAME = 40


def adopt(source: Path, versions: Path) -> Mapping[str, Path]:
    """Write the history in the folder `source` into the folder `versions`; return the new files by their old ids.

    Raises:
        MigrationError: there is none, it is no single line of revisions, one cannot be imported, or `versions` has
            revisions already. Nothing is written then.
    """
    if there := sorted(revision_files(versions).values()):
        raise MigrationError(
            f"{versions} has revisions already, {there[0]} first: a history is adopted as a whole, into an empty folder"
        )
    adopted: dict[str, Path] = {}
    texts: dict[Path, str] = {}
    before: str | None = None
    for number, script in enumerate(_history(source), start=1):
        new = f"{number:04d}"
        path = versions / f"{new}_{_name(script.doc)}.py"
        texts[path] = _numbered(script, new, before)
        adopted[script.revision], before = path, new
    versions.mkdir(exist_ok=True)
    for path, text in texts.items():
        path.write_text(text)
    return adopted


def unknown_revision(script: ScriptDirectory, version: str | None, head: str | None) -> str:
    """Return what to do about a database at a revision that this code, which ends at `head`, does not have."""
    ids = {getattr(each.module, ADOPTED_FROM, None): each.revision for each in script.walk_revisions()}
    if adopted := ids.get(version):
        return (
            f"the database is at revision {version} of the history that was adopted, which is {adopted} here: run"
            f" `aurora-lambda migrate stamp {adopted}`"
        )
    back = head or "base"
    return (
        f"the database is at revision {version}, which this code does not have: deploy the code that has it. To come"
        f" back to this code, run `aurora-lambda migrate downgrade {back}` while that one is deployed; where its file"
        f" is gone, `aurora-lambda migrate stamp {back}`, and undo by hand what `aurora-lambda migrate check` then"
        " finds; or, where allowReset is true and the data may go, `aurora-lambda migrate reset`"
    )


def _history(source: Path) -> Sequence[Script]:
    """Return the revisions in a folder of Alembic's, first to last."""
    if not source.is_dir():
        raise MigrationError(f"there is no folder {source}")
    try:
        scripts = list(ScriptDirectory(str(source), version_locations=[str(source)]).walk_revisions())[::-1]
    except KeyError as missing:
        raise MigrationError(f"a revision in {source} follows {missing}, which is not there") from None
    except CommandError as error:
        raise MigrationError(f"{source} is not the folder of Alembic's revisions, versions: {error}") from None
    except Exception as error:
        raise MigrationError(f"the revisions in {source} cannot be read: {type(error).__name__}: {error}") from None
    if not scripts:
        raise MigrationError(f"{source} has no revisions of Alembic: name the folder that its files are in, versions")
    for before, script in zip([None, *scripts], scripts, strict=False):
        last = before.revision if before else None
        if script.down_revision != last or script.dependencies:
            raise MigrationError(
                f"{Path(script.path).name} does not follow {last} alone: a history here is one line, without branches,"
                f" merges and depends_on. First write into it: down_revision = {last!r}"
            )
    return scripts


def _numbered(script: Script, new: str, before: str | None) -> str:
    """Return a revision's text with its number, that of the one before it, and the id it had."""
    file = Path(script.path)
    text = assigned(file, assigned(file, file.read_text(), "revision", new), "down_revision", before)
    text = re.sub(r"^Revision ID: .*$", f"Revision ID: {new}", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^Revises:.*$", f"Revises: {before or ''}".rstrip(), text, count=1, flags=re.MULTILINE)
    line = rf'\1\n{ADOPTED_FROM} = "{script.revision}"'
    return re.sub(r"^(down_revision\b.*)$", line, text, count=1, flags=re.MULTILINE)


def _name(message: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:MAX_NAME].strip("_") or "revision"
