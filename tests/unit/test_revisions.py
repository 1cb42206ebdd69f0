"""The revisions' files."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from sqlalchemy import MetaData

from aurora_lambda_runtime.database.engines import ENGINES
from aurora_lambda_runtime.migrations.errors import MigrationError
from aurora_lambda_runtime.migrations.history.checksums import read_revision
from aurora_lambda_runtime.migrations.history.offline import check_operations, pending_refusals, pending_sql
from aurora_lambda_runtime.migrations.history.revisions import next_revision, numbered_head, revision_files

VERSIONS = Path(__file__).parents[2] / "lambda_images" / "application" / "versions"
SAMPLE_VERSIONS = Path(__file__).parents[1] / "sample_application" / "versions"


def test_every_revision_follows_the_one_before_and_is_named_by_its_id() -> None:
    """The head is read off the file names: a name that lies would leave revisions unapplied."""
    before = None
    for revision, name in sorted(revision_files(VERSIONS).items()):
        spec = importlib.util.spec_from_file_location("revision", VERSIONS / name)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert (module.revision, module.down_revision) == (revision, before)
        before = revision
    assert numbered_head(VERSIONS) == before


def changes(revision: str) -> int:
    """Return how many changes of tables or rows a revision's text makes."""
    upgrade = revision.partition("def upgrade")[2].partition("def downgrade")[0]
    helpers = "drop_foreign_key_index|update_in_batches|delete_in_batches|run_in_batches"
    return len(re.findall(rf"\bop\.(?!f\(|get_context\(|get_bind\()\w+\(|\b(?:{helpers})\(", upgrade))


def test_every_revision_is_one_change() -> None:
    """MySQL commits each: a revision of two that fails at the second can be run neither forward nor back."""
    for name in revision_files(VERSIONS).values():
        assert changes((VERSIONS / name).read_text()) == 1, name


def test_the_backfill_of_the_documentation_is_one_change_and_is_told_by_a_preview(tmp_path: Path) -> None:
    """Whoever follows the documentation would be stopped by the project's own tests."""
    documentation = (Path(__file__).parents[2] / "docs" / "application.md").read_text()
    text = documentation.partition("## Migrations")[2].partition("```python\n")[2].partition("```")[0]
    (tmp_path / "0007_fill_phone_of_users.py").write_text(text)
    assert changes(text) == 1
    assert list(pending_sql("dsql", None, tmp_path)) == [
        ("0007 fill phone of users", "UPDATE users SET phone='' WHERE users.phone IS NULL;\n\n")
    ]


def test_head_and_next_are_read_off_the_names(tmp_path: Path) -> None:
    """One look at the directory, if there is one, tells a deployment whether there is anything to do."""
    assert (numbered_head(tmp_path / "none"), next_revision(tmp_path / "none")) == (None, "0001")
    assert (numbered_head(tmp_path), next_revision(tmp_path)) == (None, "0001")
    for name in ("__init__.py", "0001_a.py", "0009_b.py", "0010_c.py"):
        (tmp_path / name).touch()
    (tmp_path / "__pycache__").mkdir()
    assert (numbered_head(tmp_path), next_revision(tmp_path)) == ("0010", "0011")


def test_two_files_of_one_number_are_refused(tmp_path: Path) -> None:
    """Two branches that each added a revision: applied in any order, one would be lost."""
    for name in ("0001_a.py", "0002_mine.py", "0002_theirs.py"):
        (tmp_path / name).touch()
    with pytest.raises(MigrationError) as refusal:
        numbered_head(tmp_path)
    assert str(refusal.value) == (
        "0002_mine.py and 0002_theirs.py are both revision 0002, as after a merge of two branches:"
        " move your own behind the other by `aurora-lambda new-migration --renumber`"
    )


@pytest.mark.parametrize("name", ["ab12_users.py", "0001.py", "users.py", "0001_a.txt", "1_a.py"])
def test_a_file_that_is_named_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    """It would never be applied, and nobody would notice."""
    (tmp_path / name).touch()
    with pytest.raises(MigrationError, match="is no revision: name it like 0001_create_users.py$"):
        numbered_head(tmp_path)


def test_the_sql_of_the_revisions_after_one_is_told_without_a_database() -> None:
    """A preview could show what a database will be asked only by asking it."""
    assert list(pending_sql("mysql", "0003", SAMPLE_VERSIONS)) == [
        (
            "0004 index comments by note",
            "CREATE INDEX ix_comments_note_id_created_at ON comments (note_id, created_at);\n\n",
        )
    ]
    assert [title for title, _ in pending_sql("postgres", None, SAMPLE_VERSIONS)] == [
        "0001 create notes",
        "0002 index notes by time",
        "0003 create comments",
        "0004 index comments by note",
    ]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ('op.get_bind().execute(sa.text("SELECT 1")).scalar_one()', "asks the database, and what it does then only a"),
        ("op.get_bind().begin_nested()", "asks the database, and what it does then only a deployment shows"),
        (f'op.create_index("{"i" * 73}", "t", ["a"])', "IdentifierError: Identifier 'iii"),
    ],
    ids=["rows", "savepoint", "name"],
)
def test_what_cannot_be_told_without_a_database_is_said_and_the_rest_is_shown(
    tmp_path: Path, statement: str, told: str
) -> None:
    """A preview that ends in a traceback shows neither the other revisions nor the line at fault."""
    for revision, before, line in (("0001", None, statement), ("0002", "0001", "op.drop_table('b')")):
        (tmp_path / f"{revision}_step.py").write_text(
            f'"""step"""\nimport sqlalchemy as sa\nfrom alembic import op\nrevision = "{revision}"\n'
            f"down_revision = {before!r}\n\ndef upgrade():\n    op.drop_table('a')\n    {line}\n"
        )
    (_, first), (_, second) = pending_sql("postgres", None, tmp_path)
    assert first.startswith("DROP TABLE a;\n\n")
    assert f"-- 0001_step.py, line 9: {told}" in first
    assert second == "DROP TABLE a;\n\nDROP TABLE b;\n\n"


def test_a_revision_that_is_no_python_is_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    """A typing error in the last revision must not hide what the others would do."""
    (tmp_path / "0001_step.py").write_text("def upgrade(:\n")
    (tmp_path / "0002_step.py").write_text("from alembic import op\n\ndef upgrade():\n    op.drop_table('b')\n")
    assert [sql.partition("SyntaxError")[0] for _, sql in pending_sql("mysql", None, tmp_path)] == [
        "-- 0001_step.py: ",
        "DROP TABLE b;\n\n",
    ]


def test_what_an_engine_refuses_is_told_before_the_file_is_final(tmp_path: Path) -> None:
    """A revision that one engine has applied can no longer be edited for another."""
    statement = "op.add_column('notes', sa.Column('n', sa.Integer(), nullable=False))"
    (tmp_path / "0001_n.py").write_text(
        f'"""n"""\nfrom alembic import op\nimport sqlalchemy as sa\n\ndef upgrade():\n    {statement}\n'
    )
    [(engine, revision, why)] = pending_refusals(None, tmp_path)
    assert (engine, revision) == ("dsql", "0001")
    assert why.startswith("Aurora DSQL cannot add column notes.n as NOT NULL")
    assert list(pending_refusals("0001", tmp_path)) == []


def test_a_constraint_without_a_name_gets_the_one_that_a_deployment_gives_it(tmp_path: Path) -> None:
    """DSQL would refuse what it takes, and a preview show another statement than is run."""
    (tmp_path / "0001_n.py").write_text(
        '"""n"""\nfrom alembic import op\n\ndef upgrade():\n    op.create_unique_constraint(None, "notes", ["n"])\n'
    )
    convention = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_name)s"})
    assert list(pending_sql("mysql", None, tmp_path, lambda: convention)) == [
        ("0001 n", "ALTER TABLE notes ADD CONSTRAINT uq_notes_n UNIQUE (n);\n\n")
    ]
    assert list(pending_refusals(None, tmp_path, lambda: convention)) == []
    [(engine, _, why)] = pending_refusals(None, tmp_path)
    assert (engine, why.partition(" to ")[0]) == ("dsql", "Aurora DSQL cannot add a constraint without a name")


@pytest.mark.parametrize("engine", ["mysql", "postgres"])
def test_a_revision_runs_once_where_no_operation_is_refused(engine: str) -> None:
    """What its Python does besides, a request to another service say, would be done twice by every deployment."""
    module, runs = ModuleType("step"), []
    module.__dict__["upgrade"] = lambda: runs.append(engine)
    check_operations([SimpleNamespace(revision="0001", doc="step", module=module)], ENGINES[engine])
    assert runs == []


def test_a_checksum_is_the_same_on_each_python(tmp_path: Path) -> None:
    """A laptop's Python is seldom the image's: `status` would call applied revisions edited, and no edit end that."""
    file = tmp_path / "0001_fill.py"
    file.write_text(
        '"""fill"""\nnames = ["a"]\n\ndef upgrade():\n'
        """    op.execute(f"INSERT INTO t ({', '.join(names)}) VALUES ('{names[0]!r:>{len('abc')}}')")\n"""
    )
    assert read_revision(file).checksum == "94c4997ab4b5ac59581e693c95fa74ac2bdd1b566a5297d3d6e3a16dc518f53f"


def test_mysql_is_given_the_defaults_of_large_columns_as_expressions(tmp_path: Path) -> None:
    """MySQL refuses them as literals (error 1101), on AWS alone: MariaDB, which runs here, takes both."""
    create = (
        'op.create_table("t", sa.Column("a", sa.JSON, server_default="{}"), sa.Column("b", types.LongText, '
        'server_default="x"), sa.Column("c", sa.String(9), server_default="x"))'
    )
    alter = 'op.alter_column("t", "b", existing_type=types.LongText(), server_default="it\'s: 5")'
    body = f"def upgrade():\n    {create}\n    {alter}\n"
    imports = "from alembic import op\nimport sqlalchemy as sa\nfrom aurora_lambda_runtime.database import types\n"
    (tmp_path / "0001_t.py").write_text(f'"""t"""\n{imports}revision = "0001"\ndown_revision = None\n{body}')
    ((_, sql),) = pending_sql("mysql", None, tmp_path)
    assert " ".join(sql.split()) == (
        "CREATE TABLE t ( a JSON DEFAULT ('{}'), b MEDIUMTEXT DEFAULT ('x'), c VARCHAR(9) DEFAULT 'x' );"
        " ALTER TABLE t ALTER COLUMN b SET DEFAULT ('it''s: 5');"
    )
