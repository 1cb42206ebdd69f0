"""What `aurora-lambda config` changes in a stack's file, and what it refuses."""

from pathlib import Path

import pytest

from aurora_lambda_local.cli.configuration import StackConfiguration
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.platform.errors import UsageError

COMMENTED = """\
# The first line.
config:
  aws:region: eu-west-1
  engine: postgres # The default.
  aurora-lambda:subnetIds:
    - subnet-1 # Of zone a.
    - subnet-2

# What follows is Pulumi's.
encryptionsalt: v1:abc
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of stack `dev`."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: aurora-lambda\nstackConfigDir: stacks\n")
    file = tmp_path / "stacks" / "Pulumi.dev.yaml"
    file.write_text(COMMENTED)
    return file


def configuration(file: Path) -> StackConfiguration:
    """Return the configuration in the file as it is now."""
    return StackConfiguration("dev", file.parents[1])


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("engine", "mysql", "engine: postgres #", "engine: mysql #"),
        ("aurora-lambda:engine", "dsql", "engine: postgres #", "engine: dsql #"),
        ("aws:region", "eu-west-2", "eu-west-1", "eu-west-2"),
        ("subnetIds[0]", "subnet-9", "subnet-1", "subnet-9"),
        ("subnetIds[2]", "subnet-3", "- subnet-2\n", "- subnet-2\n    - subnet-3\n"),
        ("handlerConcurrency", "-1", "\n\n# What", '\n  aurora-lambda:handlerConcurrency: "-1"\n\n# What'),
        ("allowReset", "true", "\n\n# What", '\n  aurora-lambda:allowReset: "true"\n\n# What'),
        (
            "streams[0].name",
            "copy",
            "\n\n# What",
            "\n  aurora-lambda:streams:\n    - name: copy\n\n# What",
        ),
    ],
)
def test_one_value_is_set_and_the_rest_of_the_file_stays(file: Path, key: str, value: str, old: str, new: str) -> None:
    """People keep comments there, and review what changes in it line by line."""
    configuration(file).set(key, value, path="[" in key)
    assert file.read_text() == COMMENTED.replace(old, new)
    assert configuration(file).get(key, path="[" in key) == value


def test_a_list_grows_and_shrinks_by_its_path(file: Path) -> None:
    """Subnets and streams could only be edited by hand."""
    file.write_text(COMMENTED.replace(" # Of zone a.", ""))
    configuration(file).set("subnetIds[2]", "subnet-3", path=True)
    configuration(file).remove("subnetIds[0]", path=True)
    configuration(file).set("streams[0].name", "copy", path=True)
    configuration(file).set("streams[0].batchSize", "20", path=True)
    assert configuration(file).get("subnetIds", path=False) == '["subnet-2", "subnet-3"]'
    assert configuration(file).get("streams", path=False) == '[{"name": "copy", "batchSize": 20}]'


def test_a_key_is_removed_with_its_line_alone(file: Path) -> None:
    """The key after it, or a comment, would be lost with it."""
    configuration(file).remove("engine", path=False)
    assert file.read_text() == COMMENTED.replace("  engine: postgres # The default.\n", "")
    configuration(file).remove("subnetIds", path=False)
    assert list(configuration(file).lines()) == ["aws:region                       eu-west-1"]


def test_the_first_key_of_an_empty_file_is_written(file: Path) -> None:
    """A stack begins with an empty file."""
    file.write_text("# Mine.\n")
    configuration(file).set("engine", "dsql", path=False)
    assert file.read_text() == "# Mine.\nconfig:\n  aurora-lambda:engine: dsql\n"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("engin", "mysql", "engin is no configuration key; did you mean engine?"),
        ("colour", "red", "colour is no configuration key; Pulumi.yaml describes those that there are"),
        ("engine", "postgress", "engine is 'postgress'; must be mysql, postgres, dsql or none"),
        ("aurora-lamda:engine", "mysql", "config: nothing here reads aurora-lamda:engine; "
         "did you mean aurora-lambda:engine?"),
        ("subnetIds[7]", "a", 'subnetIds[7] does not fit what aurora-lambda:subnetIds holds '
         'now: ["subnet-1", "subnet-2"]'),
        ("subnetIds[", "a", "subnetIds[ is no path; one is 'subnetIds[0]'"),
        ("streams[0].batchsize", "20", "batchsize is no configuration key; did you mean batchSize?"),
        ("streams[0].batchSize", "no", "batchSize is 'no'; must be a whole number of records from 1 to 10000"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_and_nothing_is_written(file: Path, key: str, value: str, message: str) -> None:
    """It would be found by the next deployment."""
    with pytest.raises(UsageError) as refusal:
        configuration(file).set(key, value, path="[" in key)
    assert str(refusal.value) == message
    assert file.read_text() == COMMENTED


def test_a_change_that_would_lose_a_comment_is_left_to_a_person(file: Path) -> None:
    """What somebody wrote there is worth more than a saved edit."""
    with pytest.raises(UsageError) as refusal:
        configuration(file).remove("subnetIds[1]", path=True)
    assert str(refusal.value) == (
        f"aurora-lambda:subnetIds in {file} is not written as expected; make it read\n"
        "aurora-lambda:subnetIds:\n  - subnet-1\n"
    )
    assert file.read_text() == COMMENTED


def test_a_key_that_is_not_set_is_said(file: Path) -> None:
    """A script that reads it has to fail."""
    with pytest.raises(UsageError, match=r"^schema is not set in .*Pulumi.dev.yaml; type: aurora-lambda config set"):
        configuration(file).get("schema", path=False)
    with pytest.raises(UsageError, match=r"^schema is not set in .*Pulumi.dev.yaml; type: aurora-lambda config set"):
        configuration(file).remove("schema", path=False)
    with pytest.raises(UsageError, match=r"^subnetIds\[4\] is not set in .*Pulumi.dev.yaml; type: aurora-lambda"):
        configuration(file).remove("subnetIds[4]", path=True)
    with pytest.raises(UsageError, match=r"^engin is no configuration key; did you mean engine\?$"):
        configuration(file).get("engin", path=False)


def test_a_stack_with_a_dot_in_its_name_is_named_whole(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command to type would bring up another stack, or none."""
    file.rename(file.with_name("Pulumi.v1.2.yaml"))
    monkeypatch.chdir(file.parent)
    assert main(["config", "set", "-s", "v1.2", "engine", "mysql"]) == 0
    assert capsys.readouterr().out.endswith("apply it here with: aurora-lambda up -s v1.2\n")
    assert main(["config", "get", "-s", "v1", "engine"]) == 2
    assert capsys.readouterr().err.endswith("available: v1.2\n")
