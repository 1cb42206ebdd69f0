"""What `aurora-lambda new-stream` writes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aurora_lambda_local.cli.configuration import StackConfiguration
from aurora_lambda_local.cli.main import main
from aurora_lambda_local.cli.new_stream import create_stream
from aurora_lambda_local.platform.errors import UsageError

ROOT = Path(__file__).parents[2]
COMMENTED = """\
# The first line.
config:
  aws:region: eu-west-1
  aurora-lambda:engine: postgres # The default.

# What follows is Pulumi's.
encryptionsalt: v1:abc
"""
ENTRY = {"name": "send-receipts", "table": "orders"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The folders that the command writes to."""
    for folder in ("lambda_images/application", "tests/application", "stacks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "stacks" / "Pulumi.local.yaml").write_text(COMMENTED)
    for file in ("Pulumi.yaml", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def test_a_function_its_test_and_its_entry_are_written(checkout: Path) -> None:
    """They are all that the next `up` needs to deliver to it."""
    written = create_stream("send-receipts", "orders", "local", checkout)
    assert [str(path.relative_to(checkout)) for path in written] == [
        "lambda_images/application/streams/send_receipts.py",
        "tests/application/test_send_receipts.py",
        "stacks/Pulumi.local.yaml",
    ]
    assert written[0].read_text() == (
        '"""The function send-receipts, behind the stream of a DynamoDB table."""\n\n'
        "from aurora_lambda_runtime.handler.streams import StreamRecord, stream_handler\n\n\n"
        "@stream_handler\n"
        "def process(record: StreamRecord) -> None:\n"
        '    """Handle one change of one item; where this raises, Lambda tries it again."""\n'
        "    print(record.event_name, record.keys)\n"
    )


@pytest.mark.slow
def test_what_is_written_passes_the_projects_own_checks(tmp_path: Path) -> None:
    """Generated code that has to be mended first is worse than none."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "docs"))
    _, test, _ = create_stream("a-name-that-is-as-long-as-it-may", "t" * 255, "local", checkout)
    programs = Path(sys.executable).parent
    # The copy's own modules, lest some be of the installed packages.
    sources = [checkout, *(checkout / each for each in ("lambda_images", "components", "local"))]
    for command in (
        [programs / "ruff", "check", "--no-cache", "."],
        [programs / "ruff", "format", "--no-cache", "--check", "."],
        [programs / "ty", "check", "--python", sys.prefix],
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test],
    ):
        environment = {"PYTHONPATH": os.pathsep.join(map(str, sources)), "PATH": str(programs)}
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_entry_joins_the_stacks_file_and_leaves_the_rest_as_it_is(checkout: Path) -> None:
    """People keep comments there, and another order would make every diff unreadable."""
    file = checkout / "stacks" / "Pulumi.local.yaml"
    file.write_text(StackConfiguration("local", checkout).with_stream(ENTRY))
    file.write_text(StackConfiguration("local", checkout).with_stream({"name": "copy-items", "table": "123"}))
    assert file.read_text() == (
        "# The first line.\n"
        "config:\n"
        "  aws:region: eu-west-1\n"
        "  aurora-lambda:engine: postgres # The default.\n"
        "  aurora-lambda:streams:\n"
        "    - name: send-receipts\n"
        "      table: orders\n"
        "    - name: copy-items\n"
        '      table: "123"\n'
        "\n"
        "# What follows is Pulumi's.\n"
        "encryptionsalt: v1:abc\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Nothing yet.\n",
        "config:\n  aws:region: eu-west-1",
        "config:\n    aws:region: eu-west-1\n    aurora-lambda:streams:\n    - name: other\n      table: users\n",
        "config:\n  aurora-lambda:streams:\n    - name: other\n      table: users\n  aws:region: eu-west-1\n",
        "config:\n  streams:\n    - text\n    - name: other\n      batchSize: 5\n  # Of the region.\n  a: b\n",
        "encryptionsalt: abc\nconfig:\n  aws:region: eu-west-1\n",
        "config:\n  aurora-lambda:streams: []\n",
        "config:\nencryptionsalt: abc\n",
    ],
)
def test_however_the_file_is_indented_the_entry_is_the_last_of_the_list(checkout: Path, text: str) -> None:
    """Pulumi writes such files too, in its own way."""
    (checkout / "stacks" / "Pulumi.local.yaml").write_text(text)
    before = yaml.safe_load(text) or {}
    after = yaml.safe_load(StackConfiguration("local", checkout).with_stream(ENTRY))
    before["config"] = config = before.get("config") or {}
    key = "streams" if "streams" in config else "aurora-lambda:streams"
    config[key] = [*config.get(key, []), ENTRY]
    assert after == before


def test_a_file_written_in_another_way_is_left_to_a_person(checkout: Path) -> None:
    """A wrong guess would be a broken stack."""
    file = checkout / "stacks" / "Pulumi.local.yaml"
    file.write_text("config: {a: b}\n")
    with pytest.raises(UsageError) as refusal:
        StackConfiguration("local", checkout).with_stream(ENTRY)
    assert str(refusal.value) == (
        f"aurora-lambda:streams in {file} is not written as expected; make it read\n"
        "aurora-lambda:streams:\n  - name: send-receipts\n    table: orders\n"
    )


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("Copy", "orders", "a stream's function cannot be called 'Copy': it must be at most 32 lower-case letters, "),
        ("class", "orders", "a stream's function cannot be called 'class': it must be at most 32 lower-case letters, "),
        ("handler", "orders", "a stream's function cannot be called 'handler': it must be at most 32 lower-case "),
        ("a" * 33, "orders", f"a stream's function cannot be called '{'a' * 33}': it must be at most 32 lower-case "),
        ("a--b", "orders", "a stream's function cannot be called 'a--b': it must be at most 32 lower-case letters, "),
        ("../x", "orders", "a stream's function cannot be called '../x': it must be at most 32 lower-case letters, "),
        ("copy", "or/ders", "'or/ders' is no name of a DynamoDB table: 3 to 255 letters, digits, '_', '-' and '.'"),
        ("copy", "ab", "'ab' is no name of a DynamoDB table: 3 to 255 letters, digits, '_', '-' and '.'"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(checkout: Path, name: str, table: str, message: str) -> None:
    """It would be a module that nobody can import, or a function that AWS refuses after ten minutes."""
    before = sorted(checkout.rglob("*"))
    with pytest.raises(UsageError) as refusal:
        create_stream(name, table, "local", checkout)
    assert str(refusal.value).startswith(message)
    assert sorted(checkout.rglob("*")) == before


def test_nothing_is_overwritten(checkout: Path) -> None:
    """A second run must not take away what a person has written since the first."""
    function, test, stack_file = create_stream("copy", "orders", "local", checkout)
    test.unlink()
    with pytest.raises(UsageError, match=r"copy.py exists already: choose another name$"):
        create_stream("copy", "users", "local", checkout)
    function.unlink()
    with pytest.raises(UsageError, match=r"Pulumi.local.yaml has a stream 'copy' already$"):
        create_stream("copy", "users", "local", checkout)
    assert not function.exists()
    stack_file.unlink()
    with pytest.raises(UsageError, match=r"^there is no stack 'local' \(.*Pulumi.local.yaml is missing\); available: "):
        create_stream("copy", "users", "local", checkout)


def test_a_wrong_use_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts tell it from a failure."""
    assert main(["new-stream", "Copy Items", "orders"]) == 2
    assert capsys.readouterr().err == (
        "error: a stream's function cannot be called 'Copy Items': it must be at most 32 lower-case letters, digits "
        "and hyphens, as in copy-items\n"
    )


def test_a_stack_file_that_is_no_text_is_refused_in_words(checkout: Path) -> None:
    """A traceback about a codec names neither the file nor what is wrong with it."""
    (checkout / "stacks" / "Pulumi.local.yaml").write_bytes(b"config: {engine: \xff}")
    with pytest.raises(UsageError, match=r"Pulumi.local.yaml is not a Pulumi stack file: 'utf-8' codec can't decode"):
        create_stream("send-receipts", "orders", "local", checkout)
    assert not (checkout / "lambda_images/application/streams").exists()


def test_a_stack_file_with_a_key_twice_is_refused(checkout: Path) -> None:
    """The entry would join one of two lists, and `up` refuse the file afterwards."""
    file = checkout / "stacks" / "Pulumi.local.yaml"
    text = "config:\n  streams:\n    - name: a\n      table: items\n  engine: mysql\n  streams: []\n"
    file.write_text(text)
    with pytest.raises(UsageError, match="is not a Pulumi stack file: the key 'streams' is there twice"):
        create_stream("send-receipts", "orders", "local", checkout)
    assert file.read_text() == text
    assert not (checkout / "lambda_images/application/streams").exists()
