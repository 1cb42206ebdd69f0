"""A small project, brought up for real: what each `up`, `down` and accident does."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, LiteralString, cast

import boto3
import psutil
import psycopg
import pytest

from local import client, control
from local.control import exclusive
from local.deploy import Deployment, up
from local.errors import LocalError, UsageError
from local.layout import Layout
from local.processes import wait_until
from tests.local import project

pytestmark = pytest.mark.slow

IMAGE, FUNCTION = "docker:index:Image hello", "aws:lambda:Function hello"
CLUSTER, URL, INVOCATION = "aws:rds:Cluster db", "aws:lambda:FunctionUrl hello", "aws:lambda:Invocation greet"
SECRET_KEYS = ("password", "hush")


class Lines(list[str]):
    """What an `up` printed."""

    def changes(self) -> dict[str, str]:
        """What was said of each resource."""
        words = [line.split() for line in self if line.startswith(" ")]
        return {f"{word[1]} {word[2]}": word[3] for word in words}

    def notes(self) -> list[str]:
        return [line for line in self if line.startswith("note: ")]


def bring_up(checkout: Path, stack: str = "local", **options: Any) -> tuple[Deployment, Lines]:
    """`up`, and what it printed."""
    lines = Lines()
    return up(stack, checkout=checkout, program=partial(project.program, **options), write=lines.append), lines


def fail_up(checkout: Path, **options: Any) -> str:
    """An `up` that has to fail; its message."""
    with pytest.raises(LocalError) as failed:
        bring_up(checkout, **options)
    return str(failed.value)


def supervisor(checkout: Path) -> psutil.Process:
    return psutil.Process(json.loads(Layout.of(checkout).supervisor.read_text())["pid"])


def processes(checkout: Path) -> list[str]:
    """The command lines of what runs because of a checkout."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if any(str(checkout) in word for word in words):
            found.append(" ".join(words))
    return found


def invoke(checkout: Path, **event: Any) -> Any:
    """Invoke the function with boto3."""
    endpoint = client.status(checkout)["lambdaEndpoint"]
    lambda_client = boto3.client(
        "lambda", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    response = lambda_client.invoke(
        FunctionName=client.status(checkout)["functions"]["hello"]["arn"], Payload=json.dumps(event)
    )
    payload = json.loads(response["Payload"].read())
    lambda_client.close()
    return payload


def sql(checkout: Path, *statements: str) -> Sequence[Any] | None:
    """Run statements as a person would, with the URL of `status`; the last one's first row."""
    with psycopg.connect(client.status(checkout)["databaseUrl"], autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(cast(LiteralString, statement))
        return cursor.fetchone() if cursor.description else None


def test_a_stack_comes_up_is_left_alone_and_goes(checkout: Path) -> None:
    """The whole job: made, usable, unchanged by a second `up`, and gone without a trace."""
    first, lines = bring_up(checkout)
    assert set(lines.changes().values()) == {"created"}
    assert {IMAGE, FUNCTION, CLUSTER, URL, INVOCATION} <= set(lines.changes())
    assert lines[-1].startswith(f"Resources: {len(lines.changes())} created (")
    assert first.outputs["engine"] == "postgres"
    assert json.loads(first.outputs["greeting"]) == {"greeting": "hello", "event": {"name": "you"}}
    assert first.outputs["password"] == "[secret]"

    status = client.status(checkout)
    assert list(status) == [
        "stack",
        "engine",
        "running",
        "outputs",
        "functions",
        "lambdaEndpoint",
        "functionUrl",
        "awsEndpoint",
        "databaseUrl",
    ]
    assert (status["stack"], status["engine"], status["running"]) == ("local", "postgres", True)
    assert status["outputs"] == first.outputs
    assert status["functions"]["hello"]["environments"] == 1
    assert status["functionUrl"] == first.outputs["url"]
    with urllib.request.urlopen(f"{status['functionUrl']}some/path") as response:
        assert (response.status, response.read()) == (201, b"/some/path")
    assert invoke(checkout, name="me")["event"] == {"name": "me"}
    assert sql(checkout, "SHOW idle_session_timeout") == ("1min",)
    running = supervisor(checkout).pid, invoke(checkout, do="pid")

    second, lines = bring_up(checkout)
    assert second.unchanged
    assert list(lines.changes()) == []
    assert lines[-1].startswith(f"Nothing changed: {sum(first.changes.values())} resources are as the program says (")
    assert second.outputs == first.outputs
    assert (supervisor(checkout).pid, invoke(checkout, do="pid")) == running
    assert second.seconds < 5

    client.down(checkout)
    assert processes(checkout) == []
    assert not Layout.of(checkout).root.exists()
    assert client.status(checkout)["running"] is False


def test_an_edit_replaces_the_function_only(checkout: Path) -> None:
    """A person who edits a handler would lose connections, ports and time to a restart of all."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept (id int)")
    before = client.status(checkout)
    code = checkout / "code" / "app.py"
    code.write_text(code.read_text().replace('"greeting":', '"salute":'))

    _, lines = bring_up(checkout)

    assert lines.changes() == {IMAGE: "updated", FUNCTION: "updated"}
    assert invoke(checkout)["salute"] == "hello"
    assert client.status(checkout)["databaseUrl"] == before["databaseUrl"]
    assert client.status(checkout)["functionUrl"] == before["functionUrl"]


def test_what_the_program_drops_is_deleted(checkout: Path) -> None:
    """Things would pile up, and a function that is no more could still be invoked."""
    bring_up(checkout)
    deployment, lines = bring_up(checkout, queue=False)
    assert lines.changes() == {"aws:sqs:Queue letters": "deleted"}
    assert deployment.changes["deleted"] == 1


def test_a_killed_supervisor_takes_all_with_it_and_up_brings_the_data_back(checkout: Path) -> None:
    """After a crash or a reboot a person would have lost the database, or have stray processes on its files."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    before = client.status(checkout)

    supervisor(checkout).kill()

    assert wait_until(lambda: processes(checkout) == [], 10)
    status = client.status(checkout)
    assert (status["running"], status["outputs"]) == (False, before["outputs"])
    _, lines = bring_up(checkout)
    assert lines.changes() == {
        IMAGE: "restored",
        CLUSTER: "restored",
        FUNCTION: "restored",
        URL: "restored",
        # It prepares databases, and may have to again.
        INVOCATION: "updated",
    }
    assert sql(checkout, "SELECT id FROM kept") == (7,)
    after = client.status(checkout)
    assert {key: after[key] for key in ("lambdaEndpoint", "functionUrl", "awsEndpoint")} == {
        key: before[key] for key in ("lambdaEndpoint", "functionUrl", "awsEndpoint")
    }


def test_a_server_that_died_is_brought_back(checkout: Path) -> None:
    """`up` would say that all is well while nothing works."""
    bring_up(checkout)
    server = next(each for each in supervisor(checkout).children() if each.name() == "postgres")
    server.kill()
    assert wait_until(lambda: server.status() == psutil.STATUS_ZOMBIE, 5)
    _, lines = bring_up(checkout)
    assert lines.changes() == {CLUSTER: "restored", INVOCATION: "updated"}
    assert sql(checkout, "SELECT 1") == (1,)


def test_down_can_keep_the_data(checkout: Path) -> None:
    """Stopping for the night would mean to start from empty in the morning."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    client.down(checkout, keep_data=True)
    assert processes(checkout) == []
    bring_up(checkout)
    assert sql(checkout, "SELECT id FROM kept") == (7,)


def test_another_stack_suspends_the_one_that_is_up(checkout: Path) -> None:
    """Trying another stack would cost the data of the first, or mix the two."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")

    _, lines = bring_up(checkout, "other")

    assert lines.notes() == ["note: stack local is suspended; its data is kept"]
    assert set(lines.changes().values()) == {"created"}
    assert client.status(checkout)["stack"] == "other"
    assert sql(checkout, "SELECT to_regclass('kept')") == (None,)
    assert len([line for line in processes(checkout) if "/bin/postgres" in line]) == 1

    _, lines = bring_up(checkout)
    assert sql(checkout, "SELECT id FROM kept") == (7,)
    assert lines.changes()[CLUSTER] == "restored"


@pytest.mark.parametrize("running", [True, False])
def test_a_corrupt_state_is_put_aside_and_no_data_lost(checkout: Path, running: bool) -> None:
    """A damaged file would leave a person with a stack that can be neither used nor ended."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    if not running:
        client.down(checkout, keep_data=True)
    Layout.of(checkout).state.write_text("{nope")

    _, lines = bring_up(checkout)

    [note] = lines.notes()
    assert note.startswith(f"note: {Layout.of(checkout).state} cannot be read (JSONDecodeError:")
    assert sql(checkout, "SELECT id FROM kept") == (7,)
    client.down(checkout)
    assert processes(checkout) == []


def test_status_and_down_cope_with_a_corrupt_state(checkout: Path) -> None:
    """As above, for a person who does not type `up` first."""
    bring_up(checkout)
    client.down(checkout, keep_data=True)
    Layout.of(checkout).state.write_text("{nope")
    with pytest.raises(LocalError, match="aurora-lambda up puts it aside"):
        client.status(checkout)
    client.down(checkout)
    assert not Layout.of(checkout).root.exists()


def test_a_port_that_was_taken_meanwhile_is_replaced_and_said_so(checkout: Path) -> None:
    """`up` would fail with an error that names no port."""
    first, _ = bring_up(checkout)
    client.down(checkout, keep_data=True)
    port = int(first.outputs["url"].split(":")[2].strip("/"))
    with socket.create_server(("127.0.0.1", port)):
        second, lines = bring_up(checkout)
    new = second.outputs["url"].split(":")[2].strip("/")
    assert lines.notes() == [
        f"note: port {port}, which function URL hello had, is taken by another program; it has {new} now"
    ]


def test_a_failing_invocation_fails_the_deployment_with_the_functions_message(checkout: Path) -> None:
    """A migration's error is all that a person has to go by; and the next `up` has to try again."""
    message = fail_up(checkout, event={"do": "raise"})
    name = client.status(checkout)["functions"]["hello"]["name"]
    assert message == f"aws:lambda:Invocation greet: function {name} failed: ValueError: out of cheese"
    _, lines = bring_up(checkout)
    assert lines.changes() == {INVOCATION: "created"}

    fail_up(checkout, event={"do": "raise"})
    _, lines = bring_up(checkout)
    assert lines.changes() == {INVOCATION: "updated"}


def test_a_function_that_could_not_reach_the_database_on_aws_is_reported(checkout: Path) -> None:
    """It works on loopback: the mistake would be found in production, as a timeout."""
    assert fail_up(checkout, reachable=False) == (
        "function 'hello' cannot reach database 'db' on AWS: "
        "security group 'database' takes port 5432 from none of 'functions'; add an ingress rule\n"
        "function 'hello' cannot reach database 'db' on AWS: "
        "security group 'functions' lets port 5432 out to none of 'database'; add an egress rule"
    )
    bring_up(checkout)


def test_a_fault_of_the_program_is_one_line(checkout: Path) -> None:
    """Pulumi's traceback is a page long and says it last."""

    def broken() -> None:
        raise ValueError("no such thing")

    with pytest.raises(
        LocalError, match=r"^the program failed: ValueError: no such thing \(test_stack.py, line \d+\)$"
    ):
        up(checkout=checkout, program=broken, write=lambda _: None)
    assert processes(checkout) == []


def test_a_stack_that_does_not_exist_is_refused_with_those_that_do(checkout: Path) -> None:
    """A person who mistypes the name would get defaults."""
    with pytest.raises(UsageError) as refused:
        up("lcoal", checkout=checkout, program=project.program, write=lambda _: None)
    file = checkout / "stacks" / "Pulumi.lcoal.yaml"
    assert str(refused.value) == f"there is no stack 'lcoal' ({file} is missing); there are: local, other"


def test_one_up_at_a_time(checkout: Path) -> None:
    """Two would undo each other's work."""
    with exclusive(Layout.of(checkout)):
        assert fail_up(checkout) == "another aurora-lambda up or down is under way in this checkout"
    bring_up(checkout)


def test_an_interrupted_up_ends_at_once_and_the_next_goes_on(checkout: Path) -> None:
    """Ctrl-C would hang, or leave a lock that only a person can remove."""
    program = (
        "import sys, functools, pathlib; from local.deploy import up; from tests.local import project\n"
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
        began = time.monotonic()
        started.stdout.read()
        started.wait()
        assert time.monotonic() - began < 2
    assert started.returncode == -signal.SIGINT
    bring_up(checkout, event={"do": "sleep", "seconds": 3})
    assert json.loads(client.status(checkout)["outputs"]["greeting"]) == {
        "greeting": "hello",
        "event": {"do": "sleep", "seconds": 3},
    }


def test_a_supervisor_of_older_code_is_replaced(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update of this project its old version would go on running, and faults mended would still show."""
    bring_up(checkout)
    before = supervisor(checkout).pid
    about = json.loads(Layout.of(checkout).supervisor.read_text())
    Layout.of(checkout).supervisor.write_text(json.dumps({**about, "code": "older"}))
    bring_up(checkout)
    assert supervisor(checkout).pid != before
    assert not psutil.pid_exists(before)


def test_a_stale_supervisor_file_fools_nobody(checkout: Path) -> None:
    """After a reboot its number may be any program's, which would be asked, or worse, killed."""
    Layout.of(checkout).supervisor.write_text(json.dumps({"pid": os.getpid(), "port": 1, "token": "t", "code": "c"}))
    assert client.status(checkout)["running"] is False
    bring_up(checkout)
    assert client.status(checkout)["running"] is True


def test_a_supervisor_that_cannot_start_says_why(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is in a log that nobody would look for."""
    monkeypatch.setattr(control, "CHECKOUT", checkout)
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    (checkout / "local").mkdir()
    (checkout / "local" / "__init__.py").write_text("raise ImportError('broken on purpose')")
    message = fail_up(checkout)
    assert "the supervisor did not start; its log ends with:" in message
    assert "broken on purpose" in message


def test_only_who_has_the_token_commands_the_supervisor(checkout: Path) -> None:
    """Any page in a browser could send requests to loopback."""
    bring_up(checkout)
    about = json.loads(Layout.of(checkout).supervisor.read_text())
    assert Layout.of(checkout).supervisor.stat().st_mode & 0o777 == 0o600
    request = urllib.request.Request(f"http://127.0.0.1:{about['port']}/stop", b"{}", {"Authorization": "guess"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value:
        assert refused.value.code == 403
    assert client.status(checkout)["running"] is True


def test_logs_are_read_and_followed(checkout: Path) -> None:
    """What a function prints could be seen nowhere."""
    bring_up(checkout)
    assert '{"time"' not in client.read_log("hello", checkout)
    assert client.read_log("hello", checkout).startswith("START RequestId: ")
    seen: list[str] = []

    def follow(pieces: Callable[[], Any]) -> None:
        for text in pieces():
            seen.append(text)
            if "xxx" in "".join(seen):
                return

    thread = threading.Thread(target=follow, args=(lambda: client.follow_log("hello", checkout),))
    thread.start()
    time.sleep(0.5)
    invoke(checkout, do="print", bytes=3)
    thread.join(5)
    assert "".join(seen).splitlines()[1] == "xxx"
    with pytest.raises(UsageError, match="^there is no function 'helo' up here; there are: hello$"):
        client.read_log("helo", checkout)


def test_no_password_is_on_disk_or_in_a_log(checkout: Path) -> None:
    """Whoever reads the checkout's files would have the database's password."""
    bring_up(checkout)
    password = client.status(checkout)["databaseUrl"].split(":")[2].partition("@")[0]
    client.down(checkout, keep_data=True)
    files = [
        file for file in Layout.of(checkout).root.rglob("*") if file.is_file() and "environments" not in file.parts
    ]
    assert len(files) > 100
    for secret in (password, "hush"):
        assert [file for file in files if secret.encode() in file.read_bytes()] == []
