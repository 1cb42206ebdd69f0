"""A small project, brought up for real: what accidents do to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import psutil
import pytest

from aurora_lambda_local import commands
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.supervisor.client import exclusive
from tests.local import project
from tests.local.running import (
    CLUSTER,
    FUNCTION,
    IMAGE,
    INVOCATION,
    QUEUE,
    URL,
    bring_up,
    database_servers,
    fail_up,
    invoke,
    processes,
    sql,
    supervisor,
)
from tests.services import eventually, missing

pytestmark = pytest.mark.slow


def test_a_killed_supervisor_takes_all_with_it_and_up_brings_the_data_back(checkout: Path) -> None:
    """After a crash or a reboot a person would have lost the database, or have stray processes on its files."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    before = commands.status(checkout)

    supervisor(checkout).kill()

    assert eventually(lambda: processes(checkout) == [])
    status = commands.status(checkout)
    assert (status["running"], status["outputs"]) == (False, before["outputs"])
    _, lines = bring_up(checkout)
    assert lines.changes() == {
        IMAGE: "restored",
        CLUSTER: "restored",
        FUNCTION: "restored",
        URL: "restored",
        QUEUE: "restored",
        # It prepares databases, and may have to again.
        INVOCATION: "updated",
    }
    assert sql(checkout, "SELECT id FROM kept") == (7,)
    after = commands.status(checkout)
    assert {key: after[key] for key in ("lambdaEndpoint", "functionUrl", "awsEndpoint")} == {
        key: before[key] for key in ("lambdaEndpoint", "functionUrl", "awsEndpoint")
    }


def test_a_child_of_a_function_does_not_outlive_a_killed_supervisor_and_down(checkout: Path, tmp_path: Path) -> None:
    """It would hold a port or a file of a stack that is gone, and nobody would know where it came from."""
    bring_up(checkout)
    invoke(checkout, do="child", path=str(tmp_path / "child"))
    child = psutil.Process(int((tmp_path / "child").read_text()))
    supervisor(checkout).kill()
    assert eventually(lambda: processes(checkout) == [])
    assert child.is_running()
    commands.down(checkout)
    assert not child.is_running()


def test_a_database_server_that_died_is_started_again(checkout: Path) -> None:
    """Nothing would work until somebody thinks of `up`, which RDS does not ask for."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    before = commands.status(checkout)["databaseUrl"]
    [server] = [each for each in supervisor(checkout).children() if each.name() == "postgres"]
    server.kill()
    assert eventually(lambda: [each.pid for each in database_servers(checkout)] not in ([], [server.pid]))
    second, _ = bring_up(checkout)
    assert second.unchanged
    assert commands.status(checkout)["databaseUrl"] == before
    assert sql(checkout, "SELECT id FROM kept") == (7,)


def test_a_secret_that_is_gone_is_brought_back(checkout: Path) -> None:
    """`up` would say that all is well while functions cannot log in."""
    bring_up(checkout)
    client = boto3.client(
        "secretsmanager",
        endpoint_url=commands.status(checkout)["awsEndpoint"],
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    [secret] = client.list_secrets()["SecretList"]
    client.delete_secret(SecretId=secret["ARN"])
    assert commands.status(checkout)["databaseUrl"] == ""
    _, lines = bring_up(checkout)
    assert lines.changes() == {CLUSTER: "restored", INVOCATION: "updated"}
    login = json.loads(client.get_secret_value(SecretId=secret["ARN"])["SecretString"])
    assert login["password"] in commands.status(checkout)["databaseUrl"]
    assert sql(checkout, "SELECT 1") == (1,)
    client.close()


@pytest.mark.parametrize("running", [True, False])
def test_a_corrupt_state_is_put_aside_and_no_data_lost(checkout: Path, running: bool) -> None:
    """A damaged file would leave a person with a stack that can be neither used nor ended."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    if not running:
        commands.down(checkout, keep_data=True)
    LocalPaths.for_checkout(checkout).state.write_text("{nope")

    _, lines = bring_up(checkout)

    [note] = lines.notes()
    assert note.startswith(f"note: {LocalPaths.for_checkout(checkout).state} cannot be read (JSONDecodeError:")
    assert sql(checkout, "SELECT id FROM kept") == (7,)
    commands.down(checkout)
    assert processes(checkout) == []


def test_status_and_down_cope_with_a_corrupt_state(checkout: Path) -> None:
    """As above, for a person who does not type `up` first."""
    bring_up(checkout)
    commands.down(checkout, keep_data=True)
    LocalPaths.for_checkout(checkout).state.write_text("{nope")
    with pytest.raises(LocalError, match="aurora-lambda up puts it aside"):
        commands.status(checkout)
    commands.down(checkout)
    assert not LocalPaths.for_checkout(checkout).root.exists()


def test_a_port_that_was_taken_meanwhile_is_replaced_and_said_so(checkout: Path) -> None:
    """`up` would fail with an error that names no port."""
    first, _ = bring_up(checkout)
    commands.down(checkout, keep_data=True)
    port = int(first.outputs["url"].split(":")[2].strip("/"))
    with socket.create_server(("127.0.0.1", port)):
        second, lines = bring_up(checkout)
    new = second.outputs["url"].split(":")[2].strip("/")
    assert lines.notes() == [
        f"note: port {port}, which function URL hello had, is taken by another program; it has {new} now"
    ]


def test_one_up_at_a_time(checkout: Path) -> None:
    """Two would undo each other's work."""
    with exclusive(LocalPaths.for_checkout(checkout)):
        assert fail_up(checkout) == "another aurora-lambda up or down is under way in this checkout"
    bring_up(checkout)


def test_an_interrupted_up_ends_at_once_and_the_next_goes_on(checkout: Path) -> None:
    """Ctrl-C would hang, or leave a lock that only a person can remove."""
    program = (
        "import sys, functools, pathlib; from aurora_lambda_local.program.deploy import up\n"
        "from tests.local import project\n"
        "event = {'do': 'sleep', 'seconds': 3}\n"
        "up(checkout=pathlib.Path(sys.argv[1]), program=functools.partial(project.program, event=event))"
    )
    command = [sys.executable, "-c", program, str(checkout)]
    with subprocess.Popen(
        command, cwd=project.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout
        assert any(FUNCTION.partition(" ")[0] in line for line in started.stdout)
        time.sleep(0.5)
        started.send_signal(signal.SIGINT)
        rest = started.stdout.read()
        started.wait()
    assert [line for line in rest.splitlines() if "Invocation" in line and "created" in line] == []
    assert rest.splitlines()[-1] == "interrupted: what was made stays; aurora-lambda up goes on from there"
    assert started.returncode == -signal.SIGINT
    bring_up(checkout, event={"do": "sleep", "seconds": 3})
    assert json.loads(commands.status(checkout)["outputs"]["greeting"]) == {
        "greeting": "hello",
        "event": {"do": "sleep", "seconds": 3},
    }


def test_a_supervisor_of_older_code_is_replaced(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update of this project its old version would go on running, and faults mended would still show."""
    bring_up(checkout)
    before = supervisor(checkout).pid
    about = json.loads(LocalPaths.for_checkout(checkout).supervisor.read_text())
    LocalPaths.for_checkout(checkout).supervisor.write_text(json.dumps({**about, "code": "older"}))
    bring_up(checkout)
    assert supervisor(checkout).pid != before
    assert not psutil.pid_exists(before)


def test_a_supervisor_goes_by_the_shell_of_the_last_up(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who exports a proxy, an index or DOCKER_HOST after an `up` that failed for want of it would fail again."""
    requirements = checkout / "code" / "requirements.txt"
    requirements.write_text(f"{requirements.read_text()}# another digest, so uv makes an environment\n")
    nowhere = checkout / "no-folder"
    nowhere.touch()
    with monkeypatch.context() as shell:
        shell.setenv("UV_CACHE_DIR", str(nowhere))
        assert str(nowhere) in fail_up(checkout)
        before = supervisor(checkout).pid
    _, lines = bring_up(checkout)
    assert lines.changes()[FUNCTION] == "created"
    assert supervisor(checkout).pid == before


def test_a_stale_supervisor_file_fools_nobody(checkout: Path) -> None:
    """After a reboot its number may be any program's, which would be asked, or worse, killed."""
    LocalPaths.for_checkout(checkout).supervisor.write_text(
        json.dumps({"pid": os.getpid(), "port": 1, "token": "t", "code": "c"})
    )
    assert commands.status(checkout)["running"] is False
    bring_up(checkout)
    assert commands.status(checkout)["running"] is True


def test_a_supervisor_that_cannot_start_says_why(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is in a log that nobody would look for."""
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    (checkout / "aurora_lambda_local").mkdir()
    (checkout / "aurora_lambda_local" / "__init__.py").write_text("raise ImportError('broken on purpose')")
    message = fail_up(checkout)
    assert message.startswith("the supervisor did not start; its log ends with:\n")
    assert message.endswith("\nImportError: broken on purpose")
    assert message.count("broken on purpose") == 2  # Python shows the line, then the error.


def test_only_who_has_the_token_commands_the_supervisor(checkout: Path) -> None:
    """Any page in a browser could send requests to loopback."""
    bring_up(checkout)
    about = json.loads(LocalPaths.for_checkout(checkout).supervisor.read_text())
    assert LocalPaths.for_checkout(checkout).supervisor.stat().st_mode & 0o777 == 0o600
    request = urllib.request.Request(f"http://127.0.0.1:{about['port']}/stop", b"{}", {"Authorization": "guess"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value:
        assert refused.value.code == 403
    assert commands.status(checkout)["running"] is True


def test_a_web_page_reaches_nothing_but_the_function_url(checkout: Path) -> None:
    """A page that the developer visits could empty the database, or read its password."""
    bring_up(checkout)
    status = commands.status(checkout)
    about = json.loads(LocalPaths.for_checkout(checkout).supervisor.read_text())
    invocation = f"{status['lambdaEndpoint']}/2015-03-31/functions/hello/invocations"
    supervisor_url = f"http://127.0.0.1:{about['port']}/stop"
    for url in (invocation, status["awsEndpoint"], supervisor_url):
        for header, value in (("Origin", "https://evil.example.com"), ("Host", "evil.example.com")):
            request = urllib.request.Request(url, b"{}", {header: value, "Authorization": about["token"]})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            with refused.value:
                assert refused.value.code == 403, (url, header)
    assert commands.status(checkout)["running"] is True
    page = urllib.request.Request(status["functionUrl"], headers={"Origin": "https://evil.example.com"})
    with urllib.request.urlopen(page) as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (201, None)


def test_a_damaged_supervisor_file_stops_nothing(checkout: Path) -> None:
    """A person would have to find and kill processes to get the stack up or down again."""
    bring_up(checkout)
    LocalPaths.for_checkout(checkout).supervisor.write_text("{}")
    assert commands.status(checkout)["running"] is False
    commands.down(checkout, keep_data=True)
    assert processes(checkout) == []
    bring_up(checkout)
    assert commands.status(checkout)["running"] is True


def test_an_up_whose_reader_is_gone_goes_on(checkout: Path) -> None:
    """`up | head` would leave half a stack, and blame a resource for it."""
    program = (
        "import sys, pathlib; from aurora_lambda_local.program.deploy import up; from tests.local import project\n"
        "up(checkout=pathlib.Path(sys.argv[1]), program=project.program)"
    )
    command = f"{sys.executable} -c '{program}' {checkout} | head -1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], cwd=project.ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.count("created") == 1
    assert commands.status(checkout)["outputs"]["engine"] == "postgres"
    assert bring_up(checkout)[0].unchanged


@pytest.mark.parametrize("folder", [".local", ".local/data"])
def test_down_leaves_a_folder_that_something_is_mounted_on(tmp_path: Path, folder: str) -> None:
    """In a container whose data has a disk of its own, every `down` would fail at its last step."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    mounted = tmp_path / folder
    mounted.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        missing("a disk can be mounted by root only")
    try:
        (mounted / "local").mkdir()
        (mounted / "local" / "file").touch()
        commands.down(tmp_path)
        assert list(mounted.iterdir()) == []
        assert list(tmp_path.glob(".local/*")) == [each for each in [mounted] if folder != ".local"]
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def test_down_empties_a_folder_that_is_a_link(tmp_path: Path) -> None:
    """Who keeps the data on another disk would see every `down` fail, and the next `up` not find the disk."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "disk" / "logs").mkdir(parents=True)
    (tmp_path / ".local").symlink_to(tmp_path / "disk")
    commands.down(tmp_path)
    assert (list((tmp_path / "disk").iterdir()), (tmp_path / ".local").is_symlink()) == ([], True)
