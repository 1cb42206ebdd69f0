"""What `aurora-lambda new` writes, and what it refuses."""

import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Column, MetaData, String, Table, UniqueConstraint

from aurora_lambda.project import Project, ProjectError
from aurora_lambda.service.configuration import ignored_keys, read
from aurora_lambda.service.image_context import write_context
from aurora_lambda.service.reference import pulumi_block
from aurora_lambda.service.settings import CONFIG_KEYS
from aurora_lambda_local.cli import new_service
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.cli.new_service import PLACEHOLDER, create_service, lock_packages
from aurora_lambda_local.databases import mysql
from aurora_lambda_local.platform.errors import LocalError, UsageError

ENGINES = ("mysql", "postgres", "dsql")
WEB = ("none", "fastapi", "flask")
PROGRAMS = Path(sys.executable).parent
PROGRAM = '''\
"""The program that `pulumi up` and `aurora-lambda up` run: this service. Other resources go below it."""

from aurora_lambda.service import Service

service = Service()
'''


def configuration(folder: Path, stack: str) -> dict[str, str]:
    """Return what a stack's file configures of the service, by key."""
    config = yaml.safe_load((folder / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
    assert config.pop("aws:region") == "eu-west-1"
    return {key.removeprefix(f"{folder.name}:"): value for key, value in config.items()}


def test_a_service_has_all_that_its_author_edits_and_nothing_of_ours(tmp_path: Path) -> None:
    """What is missing has to be found out, and what is ours has to be deleted first."""
    folder = create_service(str(tmp_path / "links"), "postgres", "none").folder
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        ".github/workflows/base-image.yml",
        ".github/workflows/ci.yml",
        ".gitignore",
        ".vscode/launch.json",
        "Makefile",
        "Pulumi.yaml",
        "README.md",
        "application/__init__.py",
        "application/commands.py",
        "application/routes.py",
        "application/tables.py",
        "application/versions/0001_create_notes.py",
        "application/versions/__init__.py",
        "pyproject.toml",
        "stacks/Pulumi.dev.yaml",
        "stacks/Pulumi.local.yaml",
        "stacks/Pulumi.prod.yaml",
        "stacks/__main__.py",
        "tests/test_commands.py",
        "tests/test_routes.py",
    ]
    assert (folder / "stacks" / "__main__.py").read_text() == PROGRAM
    project = Project.find(folder)
    assert (project.name, project.application, project.stack_files) == (
        "links",
        folder / "application",
        folder / "stacks",
    )
    assert pulumi_block(CONFIG_KEYS) in (folder / "Pulumi.yaml").read_text()
    assert not [path for path in folder.rglob("*") if path.is_file() and PLACEHOLDER.search(path.read_text())]


def test_an_application_that_is_not_there_is_said_before_anything_is_made(tmp_path: Path) -> None:
    """The deployment would fail half way, by a name that the author has not written."""
    folder = create_service(str(tmp_path / "links"), "postgres", "none").folder
    (folder / "application").rename(folder / "app")
    project = Project.find(folder)  # `down` and `status` need no application.
    with pytest.raises(ProjectError) as error:
        write_context(project, "handler")
    assert str(error.value) == (
        f"application is 'application' in {folder / 'pyproject.toml'}, and there is no such folder"
    )


def test_requirements_that_are_not_there_are_said_with_what_writes_them(tmp_path: Path) -> None:
    """A clone whose setup was cut short would show a path and no way on."""
    folder = create_service(str(tmp_path / "links"), "postgres", "none").folder
    with pytest.raises(ProjectError) as error:
        write_context(Project.find(folder), "handler")
    file = folder / "requirements" / "handler.txt"
    assert str(error.value) == (
        f"there is no {file}, the packages of the image 'handler'. Type: uv export --only-group handler"
        f" --no-emit-package aurora-lambda-runtime --output-file {file}"
    )


@pytest.mark.parametrize("web", ["fastapi", "flask"])
def test_a_web_framework_takes_the_place_of_the_routes(tmp_path: Path, web: str) -> None:
    """Both would be a function that does not start."""
    folder = create_service(str(tmp_path / "links"), "postgres", web).folder
    names = {path.name for path in (folder / "application").iterdir()}
    assert names == {"__init__.py", "commands.py", "tables.py", "versions", "web.py"}
    assert web in tomllib.loads((folder / "pyproject.toml").read_text())["dependency-groups"]["handler"][1]
    assert not [path for path in folder.rglob("*") if path.is_file() and PLACEHOLDER.search(path.read_text())]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_stack_is_configured_for_the_engine(tmp_path: Path, engine: str) -> None:
    """A key of another engine would be a warning at each deployment, a wrong one a refused first `up`."""
    folder = create_service(str(tmp_path / "links"), engine, "none").folder
    for stack in ("local", "dev", "prod"):
        settings = read(configuration(folder, stack), stack, "eu-west-1")
        assert (settings.engine, ignored_keys(settings)) == (engine, [])
    assert configuration(folder, "prod")["deletionProtection"] == "true"


def test_without_a_server_the_stack_here_runs_on_postgresql_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first `make up` would fail for a server that somebody has to install first."""
    monkeypatch.setattr(mysql, "SEARCH_PATH", str(tmp_path))
    service = create_service(str(tmp_path / "links"), "mysql", "none")
    assert [configuration(service.folder, stack)["engine"] for stack in ("local", "dev", "prod")] == [
        "postgres", "mysql", "mysql",
    ]  # fmt: skip
    assert service.notes == [
        f"{mysql.REMEDY}; the stack local runs on PostgreSQL until you type: aurora-lambda config set engine mysql"
    ]


@pytest.mark.parametrize("web", WEB)
@pytest.mark.parametrize(
    "line",
    [["ruff", "check", "--no-cache", "."], ["ruff", "format", "--no-cache", "--check", "."], ["ty", "check", "."]],
    ids=lambda line: " ".join(line[:2]),
)
def test_what_is_written_passes_lint(tmp_path: Path, line: list[str], web: str) -> None:
    """An author's first commit would begin with mending what was generated."""
    folder = create_service(str(tmp_path / "links"), "postgres", web).folder
    python = ["--python", sys.prefix] if line[0] == "ty" else []
    done = subprocess.run(
        [PROGRAMS / line[0], *line[1:], *python], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "mistake", "better"),
    [
        ("import", "Python itself has that name", "import-service"),
        ("json", "Python itself has that name", "json-service"),
        ("aws", "Pulumi would read its configuration as a provider's", "aws-service"),
        ("sqlalchemy", "a package that it uses, or a folder in it, has that name", "sqlalchemy-service"),
        ("aurora-lambda", "a package that it uses, or a folder in it, has that name", "aurora-lambda-service"),
        ("application", "a package that it uses, or a folder in it, has that name", "application-service"),
        ("my app", "it must be at most 40 lower-case letters, digits and single hyphens, a letter first", "my-app"),
        ("Links", "it must be at most 40 lower-case letters, digits and single hyphens, a letter first", "links"),
        ("2fast", "it must be at most 40 lower-case letters, digits and single hyphens, a letter first", "fast"),
        ("a__b", "it must be at most 40 lower-case letters, digits and single hyphens, a letter first", "a-b"),
        ("日本", "it must be at most 40 lower-case letters, digits and single hyphens, a letter first", "my-service"),
        ("a" * 41, "it must be at most 40 lower-case letters, digits and single hyphens, a letter first", "a" * 32),
    ],
)
def test_a_name_that_would_break_is_refused_with_one_that_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, mistake: str, better: str
) -> None:
    """It would break later, in a message of uv's, of Pulumi's or of AWS's."""
    assert main(["new", str(tmp_path / name)]) == 2
    assert (
        capsys.readouterr().err
        == f"error: a service cannot be called {name!r}: {mistake}; use, for example, {better}\n"
    )
    assert list(tmp_path.iterdir()) == []
    create_service(str(tmp_path / better), "postgres", "none")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """Somebody's files would be written over."""
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    (tmp_path / "notes").write_text("mine too")
    for taken in (folder, tmp_path / "notes"):
        with pytest.raises(UsageError) as refused:
            create_service(str(taken), "postgres", "none")
        assert str(refused.value) == f"{taken} exists already, and is not an empty folder: choose another name"
    assert [path.read_text() for path in sorted(tmp_path.rglob("*")) if path.is_file()] == ["mine", "mine too"]


def test_the_clone_of_an_empty_repository_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many begin with a repository on their host, and clone it."""
    (tmp_path / "links" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "links")
    assert create_service(".", "postgres", "none").folder == tmp_path / "links"
    assert Project.find().name == "links"


@pytest.mark.parametrize(
    ("package", "remedy"),
    [
        ("nobodys-package", "once it can, type make setup there"),
        (
            "aurora-lambda",
            "delete it, install aurora-lambda by the names of its wheels (pip install dist/*.whl), and try again",
        ),
    ],
)
def test_packages_that_cannot_be_resolved_are_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, remedy: str
) -> None:
    """The service is there and cannot be made again: only uv's own words would tell why it does not start."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    project = f'[project]\nname = "links"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["{package}"]\n'
    (tmp_path / "pyproject.toml").write_text(project)
    with pytest.raises(LocalError) as refused:
        lock_packages(tmp_path)
    first = f"{tmp_path.name} is written, but uv cannot resolve its packages; {remedy}:\n"
    assert str(refused.value).startswith(first)
    assert f"Because {package} was not found" in str(refused.value)


@pytest.mark.parametrize("tables", ["none", "orm"])
def test_each_constraint_of_a_table_has_a_name_of_its_own(tables: str) -> None:
    """What is unique for each customer begins with the same column: the first revision could not be applied."""
    template = Path(new_service.__file__).parents[1] / "template" / tables / "application" / "tables.py"
    convention = runpy.run_path(str(template))["metadata"].naming_convention
    pairs = ("customer", "name"), ("customer", "email")
    columns = [Column(name, String(9)) for name in ("customer", "name", "email")]
    code = MetaData(naming_convention=convention)
    table = Table("users", code, *columns, *(UniqueConstraint(*pair) for pair in pairs))
    assert {str(each.name) for each in table.constraints if isinstance(each, UniqueConstraint)} == {
        "uq_users_customer_name",
        "uq_users_customer_email",
    }
