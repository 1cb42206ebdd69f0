"""A small project, brought up for real: what each `up` and `down` does."""

import json
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda_local import commands
from aurora_lambda_local.cli.formatting import status_lines
from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.progress import Progress
from tests.local import project
from tests.local.running import (
    ALIAS,
    CLUSTER,
    FUNCTION,
    IMAGE,
    INVOCATION,
    QUEUE,
    URL,
    bring_up,
    fail_up,
    invoke,
    lambda_client,
    log,
    preview_up,
    processes,
    sql,
    supervisor,
)

pytestmark = pytest.mark.slow


def test_a_stack_comes_up_is_left_alone_and_goes(checkout: Path) -> None:
    """The whole job: made, usable, unchanged by a second `up`, and gone without a trace."""
    planned = preview_up(checkout)
    assert processes(checkout) == []
    first, lines = bring_up(checkout)
    assert lines.changes() == planned
    assert set(lines.changes().values()) == {"created"}
    assert {IMAGE, FUNCTION, CLUSTER, URL, INVOCATION} <= set(lines.changes())
    assert lines[-1].startswith(f"Resources: {len(lines.changes())} created (")
    assert first.outputs["engine"] == "postgres"
    assert json.loads(first.outputs["greeting"]) == {"greeting": "hello", "event": {"name": "you"}}
    assert first.outputs["password"] == "[secret]"

    status = commands.status(checkout)
    assert list(status) == [
        "stack",
        "region",
        "engine",
        "running",
        "outputs",
        "functions",
        "mappings",
        "queues",
        "schedules",
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

    commands.down(checkout)
    assert processes(checkout) == []
    assert not LocalPaths.for_checkout(checkout).root.exists()
    assert commands.status(checkout)["running"] is False


def test_an_edit_replaces_the_function_only(checkout: Path) -> None:
    """A person who edits a handler would lose connections, ports and time to a restart of all."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept (id int)")
    before = commands.status(checkout)
    code = checkout / "code" / "application" / "app.py"
    code.write_text(code.read_text().replace('"greeting":', '"salute":'))

    planned = preview_up(checkout)
    _, lines = bring_up(checkout)

    assert lines.changes() == {IMAGE: "updated", FUNCTION: "updated"} == planned
    assert preview_up(checkout) == {}
    assert invoke(checkout)["salute"] == "hello"
    assert commands.status(checkout)["databaseUrl"] == before["databaseUrl"]
    assert commands.status(checkout)["functionUrl"] == before["functionUrl"]

    working = code.read_text()
    code.write_text(f"import nowhere\n{working}")
    assert fail_up(checkout) == (
        "aws:lambda:Function hello: it does not start: Runtime.ImportModuleError: Unable to import module"
        " 'app': No module named 'nowhere' (app.py, line 1). More: aurora-lambda logs hello"
    )
    assert invoke(checkout)["salute"] == "hello", "what was deployed before goes on"
    code.write_text(working)
    bring_up(checkout)


def test_what_the_program_drops_is_deleted(checkout: Path) -> None:
    """Things would pile up, and a function that is no more could still be invoked."""
    bring_up(checkout)
    planned = preview_up(checkout, queue=False)
    deployment, lines = bring_up(checkout, queue=False)
    assert lines.changes() == {QUEUE: "deleted"} == planned
    assert deployment.changes["deleted"] == 1


def test_down_can_keep_the_data(checkout: Path) -> None:
    """Stopping for the night would mean to start from empty in the morning."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    commands.down(checkout, keep_data=True)
    assert processes(checkout) == []
    planned = preview_up(checkout)
    assert processes(checkout) == []
    _, lines = bring_up(checkout)
    assert lines.changes() == planned
    assert (planned[CLUSTER], planned[INVOCATION]) == ("restored", "updated")
    assert sql(checkout, "SELECT id FROM kept") == (7,)


def test_another_region_is_not_another_stack(checkout: Path) -> None:
    """A note would say that the stack which has just come up is suspended."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")
    file = checkout / "stacks" / "Pulumi.local.yaml"
    file.write_text(file.read_text().replace("eu-west-1", "eu-central-1"))
    _, lines = bring_up(checkout)
    assert lines.notes() == []
    assert sql(checkout, "SELECT id FROM kept") == (7,)


def test_another_stack_suspends_the_one_that_is_up(checkout: Path) -> None:
    """Trying another stack would cost the data of the first, or mix the two."""
    bring_up(checkout)
    sql(checkout, "CREATE TABLE kept AS SELECT 7 AS id")

    _, lines = bring_up(checkout, "other")

    assert lines.notes() == ["note: stack local is suspended; its data is kept"]
    assert set(lines.changes().values()) == {"created"}
    assert commands.status(checkout)["stack"] == "other"
    assert log(checkout, "other").count("START RequestId: ") == 1
    assert sorted(path.name for path in LocalPaths.for_checkout(checkout).logs.iterdir()) == ["local", "other"]
    assert sql(checkout, "SELECT to_regclass('kept')") == (None,)
    assert len([line for line in processes(checkout) if "/bin/postgres" in line]) == 1

    _, lines = bring_up(checkout)
    assert sql(checkout, "SELECT id FROM kept") == (7,)
    assert lines.changes()[CLUSTER] == "restored"


def test_a_failing_invocation_fails_the_deployment_with_the_functions_message(checkout: Path) -> None:
    """A migration's error is all that a person has to go by; and the next `up` has to try again."""
    message = fail_up(checkout, event={"do": "raise"})
    name = commands.status(checkout)["functions"]["hello"]["name"]
    assert message == f"aws:lambda:Invocation greet: function {name} failed: ValueError: out of cheese"
    _, lines = bring_up(checkout)
    assert lines.changes() == {INVOCATION: "created"}

    fail_up(checkout, event={"do": "raise"})
    _, lines = bring_up(checkout)
    assert lines.changes() == {INVOCATION: "updated"}


def test_a_function_with_no_concurrency_is_throttled(checkout: Path) -> None:
    """Stopping a function by 0, as people do in an emergency, would look here as if it did nothing."""
    message = fail_up(checkout, concurrency=0)
    name = commands.status(checkout)["functions"]["hello"]["name"]
    assert message == f"aws:lambda:Invocation greet: {name} may not run: its reserved concurrency is 0"


def test_a_function_that_could_not_reach_the_database_on_aws_is_reported(checkout: Path) -> None:
    """It works on loopback: the mistake would be found in production, as a timeout."""
    assert fail_up(checkout, reachable=False) == (
        "function 'hello' cannot reach database 'db' on AWS: "
        "security group 'database' takes port 5432 from none of 'functions'; add an ingress rule\n"
        "function 'hello' cannot reach database 'db' on AWS: "
        "security group 'functions' lets port 5432 out to none of 'database'; add an egress rule"
    )
    bring_up(checkout)


@pytest.mark.parametrize("later", [False, True])
def test_a_fault_of_the_program_is_one_line(checkout: Path, later: bool) -> None:
    """Pulumi's traceback is a page long and says it last, after two lines for each resource that needed another."""

    def fail(_value: object = None) -> str:
        raise ValueError("no such thing")

    def broken() -> None:
        if not later:
            fail()
        first = aws.sqs.Queue("first", name=pulumi.Output.from_input("q").apply(fail))
        aws.sqs.Queue("second", name=first.name)

    with pytest.raises(
        LocalError, match=r"^the program failed: ValueError: no such thing \(test_stack.py, line \d+\)$"
    ):
        up(checkout=checkout, program=broken, progress=Progress(lambda _: None))
    assert processes(checkout) == []


def test_a_stack_that_does_not_exist_is_refused_with_those_that_do(checkout: Path) -> None:
    """A person who mistypes the name would get defaults."""
    with pytest.raises(UsageError) as refused:
        up("lcoal", checkout=checkout, program=project.program, progress=Progress(lambda _: None))
    file = checkout / "stacks" / "Pulumi.lcoal.yaml"
    assert str(refused.value) == f"there is no stack 'lcoal' ({file} is missing); available: local, other"


def test_no_password_is_on_disk_or_in_a_log(checkout: Path) -> None:
    """Whoever reads the checkout's files would have the database's password."""
    bring_up(checkout)
    password = commands.status(checkout)["databaseUrl"].split(":")[2].partition("@")[0]
    commands.down(checkout, keep_data=True)
    files = [
        file
        for file in LocalPaths.for_checkout(checkout).root.rglob("*")
        if file.is_file() and "environments" not in file.parts
    ]
    assert len(files) > 100
    for secret in (password, "hush"):
        assert [file for file in files if secret.encode() in file.read_bytes()] == []


def test_a_function_goes_back_to_the_version_before_and_stays_there(checkout: Path) -> None:
    """A rollback would be tried for the first time at night, or the next `up` undo it unasked."""
    bring_up(checkout, publish=True, environment={"GREETING": "one"})
    two: dict[str, Any] = {"publish": True, "environment": {"GREETING": "two"}}
    planned = preview_up(checkout, **two)
    _, lines = bring_up(checkout, **two)
    assert lines.changes() == planned == {FUNCTION: "updated", ALIAS: "updated"}
    assert (invoke(checkout, qualifier="live")["greeting"], version(checkout)) == ("two", "2")
    with closing(lambda_client(checkout)) as client:
        name = commands.status(checkout)["functions"]["hello"]["name"]
        client.update_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert (invoke(checkout, qualifier="live")["greeting"], version(checkout)) == ("one", "1")
    # An `up` that changes nothing says so: who wonders has to see in the status that it is the code before that runs.
    assert status_lines({"functions": commands.status(checkout)["functions"]}) == [
        f"functions        hello: {name}, 256 MB, 60 s, 1 environments, version 1 of 2: rolled back"
    ]
    assert bring_up(checkout, **two)[0].unchanged
    assert (invoke(checkout, qualifier="live")["greeting"], version(checkout)) == ("one", "1")

    commands.down(checkout, keep_data=True)
    bring_up(checkout, **two)
    assert (invoke(checkout, qualifier="live")["greeting"], version(checkout)) == ("two", "2")


def version(checkout: Path) -> str:
    return commands.status(checkout)["functions"]["hello"]["version"]
