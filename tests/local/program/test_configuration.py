"""Stack files: what is read from them, and what is refused."""

from pathlib import Path

import pytest

from aurora_lambda.project import Project
from aurora_lambda_local.cli.configuration import StackConfiguration
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.program.configuration import machine_values, read_configuration


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of stack `mine` in project `aurora-lambda`."""
    return tmp_path / "Pulumi.mine.yaml"


def read(file: Path, stack: str = "mine") -> dict[str, str]:
    (file.parent / "Pulumi.yaml").write_text("name: aurora-lambda\n")
    return read_configuration(Project.find(file.parent), stack)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("engine: postgres", "aurora-lambda:engine", "postgres"),
        ("aurora-lambda:engine: postgres", "aurora-lambda:engine", "postgres"),
        ("aws:region: eu-west-1", "aws:region", "eu-west-1"),
        ("aws:config:region: us-gov-west-1", "aws:region", "us-gov-west-1"),
        ("pulumi:tags: {team: a}", "pulumi:tags", '{"team": "a"}'),
        ("allowReset: true", "aurora-lambda:allowReset", "true"),
        ("schema: 2026-01-02", "aurora-lambda:schema", "2026-01-02"),
    ],
)
def test_a_key_and_its_value_are_read_as_pulumi_reads_them(file: Path, line: str, key: str, value: str) -> None:
    """A setting that counts on AWS would silently be another one here."""
    file.write_text(f"config:\n  {line}\n")
    given = read(file)
    assert {name: text.strip('"') for name, text in given.items()} == {key: value}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"config: {'aurora-lamda:engine': postgres}",
            ": nothing here reads aurora-lamda:engine; did you mean aurora-lambda:engine?",
        ),
        (
            b"config: {'x:engine': postgres}",
            ": nothing here reads x:engine; available: aurora-lambda, aws, docker, pulumi",
        ),
        (b"config: {engine: }", ": aurora-lambda:engine has no value; give it one, or remove the line"),
        (b"config: {'aws:region': narnia}", ": aws:region is 'narnia', which is no AWS region; one is eu-west-1"),
        (
            "config: {'aws:region': eu-west-२}".encode(),
            ": aws:region is 'eu-west-२', which is no AWS region; one is eu-west-1",
        ),
        (b"config: {'aws:region': ''}", ": aws:region is '', which is no AWS region; one is eu-west-1"),
        (
            b"config: {engine: \xff}",
            " is not a Pulumi stack file: 'utf-8' codec can't decode byte 0xff in position 17: invalid start byte",
        ),
        (b"config: [engine]", " is not a Pulumi stack file: 'list' object has no attribute 'items'"),
    ],
)
def test_what_would_be_misread_is_refused(file: Path, content: bytes, message: str) -> None:
    """A person would get the default engine, or a traceback, and not know why."""
    file.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        read(file)
    assert str(refused.value) == f"{file}{message}"


def test_only_files_are_stacks(file: Path) -> None:
    """A person would be told of a stack that cannot be brought up."""
    file.write_text("")
    (file.parent / "Pulumi.folder.yaml").mkdir()
    with pytest.raises(UsageError) as refused:
        read(file, "folder")
    missing = file.parent / "Pulumi.folder.yaml"
    assert str(refused.value) == f"there is no stack 'folder' ({missing} is missing); available: mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "config:\n  engine: mysql\n  engine: postgres\n",
            "the key 'engine' is there twice",
        ),
        (
            "config:\n  engine: mysql\n  aurora-lambda:engine: postgres\n",
            "has aurora-lambda:engine twice, with its namespace and without: remove one of the two",
        ),
    ],
)
def test_a_key_that_is_there_twice_is_refused(file: Path, content: str, message: str) -> None:
    """One of the two would count here and the other on AWS."""
    file.write_text(content)
    with pytest.raises(UsageError) as refused:
        read(file)
    assert message in str(refused.value)


def test_an_encrypted_value_is_shown_as_one_and_used_for_nothing(file: Path) -> None:
    """One secret would keep everything else in the file from being shown."""
    file.write_text("config:\n  engine: mysql\n  token: {secure: v1:abc}\n")
    (file.parent / "Pulumi.yaml").write_text("name: aurora-lambda\n")
    assert list(StackConfiguration("mine", file.parent).lines()) == [
        f"{'engine':32} mysql",
        f"{'token':32} [secret]",
    ]
    with pytest.raises(UsageError, match=r"^aurora-lambda:token is encrypted in the stack's file: give it"):
        read(file)


def test_a_stack_may_be_named_as_pulumi_names_it(file: Path) -> None:
    """A name copied from Pulumi's own output would be a file that is not there."""
    file.write_text("config: {engine: dsql}\n")
    assert read(file, "acme/shop/mine") == {"aurora-lambda:engine": "dsql"}


@pytest.mark.parametrize(
    ("config", "values"),
    [
        ({}, {"shop:databaseAuth": "password"}),
        ({"shop:engine": "mysql", "shop:databaseAuth": "iam"}, {"shop:databaseAuth": "password"}),
        ({"shop:engine": "mysql", "shop:databaseAuth": "password"}, {}),
        ({"shop:engine": "postgres"}, {}),
    ],
)
def test_what_this_machine_cannot_do_is_known_by_key(config: dict[str, str], values: dict[str, str]) -> None:
    """The console would show a way to log in that is not used here."""
    assert machine_values("shop", config) == values
