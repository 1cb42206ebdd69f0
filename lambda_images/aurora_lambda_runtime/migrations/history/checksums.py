"""Checksums of applied revisions, kept beside the database's version: they show that a file was edited afterwards."""

import ast
import hashlib
from pathlib import Path

from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile, revision_files
from aurora_lambda_runtime.migrations.servers import Server
from aurora_lambda_runtime.migrations.servers.base import Query

# All columns: a database from before messages were kept has two.
READ_CHECKSUMS = "SELECT * FROM migration_checksums"
MAX_MESSAGE = 200
DELETE_CHECKSUM = "DELETE FROM migration_checksums WHERE revision = %s"


def read_revisions(versions: Path) -> dict[str, RevisionFile]:
    """Return the revisions of a directory in their order, by id.

    Raises:
        MigrationError: a file is not named like a revision, or is no Python.
    """
    return {revision: read_revision(versions / name) for revision, name in sorted(revision_files(versions).items())}


def read_revision(file: Path) -> RevisionFile:
    """Return what one file holds. Comments and formatting leave the checksum as it is: `make lint` may change them.

    Raises:
        MigrationError: it is no Python.
    """
    try:
        module = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise MigrationError(f"{file.name} cannot be read: {error}") from None
    message = (ast.get_docstring(module) or "").partition("\n")[0]
    text = ast.unparse(_FormattedStrings().visit(module))
    return RevisionFile(message, hashlib.sha256(text.encode()).hexdigest())


class _FormattedStrings(ast.NodeTransformer):
    """Puts a tuple for `f"{', '.join(names)}"`: one Python quotes what is within otherwise than another."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        self.generic_visit(node)
        within = [each for part in node.values if isinstance(part, ast.FormattedValue) for each in ast.walk(part.value)]
        if not any(isinstance(each, ast.Constant) and isinstance(each.value, str | bytes) for each in within):
            return node
        # Python 3.12 ends some with nothing.
        return ast.Tuple([_parts(each) for each in node.values if getattr(each, "value", None) != ""], ast.Load())


def _parts(part: ast.expr) -> ast.expr:
    if not isinstance(part, ast.FormattedValue):
        return part
    return ast.Tuple([part.value, ast.Constant(part.conversion), part.format_spec or ast.Constant(None)], ast.Load())


def record_query(server: Server, revision: str, file: RevisionFile | None) -> Query:
    """Return the query that notes the file of an applied revision; None notes that it is no longer applied.

    It belongs into the transaction that writes the version.
    """
    if file:
        return server.record_checksum, revision, file.checksum, file.message[:MAX_MESSAGE]
    return DELETE_CHECKSUM, revision


def applied_files(server: Server) -> dict[str, RevisionFile]:
    """Return what was applied, by revision; a database from before this was kept has nothing, or no messages."""
    rows = server.own_rows(READ_CHECKSUMS)
    return {row[0]: RevisionFile((row[2] if row[2:] else "") or "", row[1]) for row in rows}
