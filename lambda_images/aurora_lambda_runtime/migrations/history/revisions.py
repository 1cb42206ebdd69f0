"""The revisions in this image, known by their file names: `0005_index_posts_by_user.py` is revision `0005`.

Naming them by number lets one look at the directory tell the head, so a deployment with nothing to do never
loads Alembic. Nothing is baked, so nothing can be stale; that name and content agree is checked when anything runs.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aurora_lambda_runtime.migrations.errors import MigrationError

Direction = Literal["upgrade", "downgrade"]

REVISION_FILE = re.compile(r"([0-9]{4,8})_\w+\.py")
_NO_REVISION = {"__init__.py", "__pycache__"}


@dataclass(frozen=True)
class RevisionFile:
    """What a revision's file holds: its message, and a checksum of its code."""

    message: str
    checksum: str


def revision_files(versions: Path) -> dict[str, str]:
    """Return the revision files of a directory, by the revision each holds.

    Raises:
        MigrationError: a file is not named like one, or two claim one number.
    """
    found: dict[str, str] = {}
    try:
        names = os.listdir(versions)  # noqa: PTH208 - pathlib makes an object of each, the most of the time here
    except FileNotFoundError:
        return found
    for name in names:
        if name in _NO_REVISION:
            continue
        match = REVISION_FILE.fullmatch(name)
        if match is None:
            raise MigrationError(f"{name} in {versions.name}/ is no revision: name it like 0001_create_users.py")
        if match[1] in found:
            both = " and ".join(sorted([found[match[1]], name]))
            raise MigrationError(
                f"{both} are both revision {match[1]}, as after a merge of two branches:"
                " move your own behind the other by `aurora-lambda new-migration --renumber`"
            )
        found[match[1]] = name
    return found


def numbered_head(versions: Path) -> str | None:
    """Return the last revision's id; None where there is none."""
    return max(revision_files(versions), default=None, key=int)


def next_revision(versions: Path) -> str:
    """Return the id of the revision after the last."""
    return f"{int(numbered_head(versions) or 0) + 1:04d}"
