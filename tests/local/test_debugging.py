"""A function that waits for an editor's debugger, in a stack that is up."""

import threading
from contextlib import closing
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda import LambdaImage
from aurora_lambda_local import commands
from aurora_lambda_local.deployed.stack import DeployedStack, select_stack
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.processes import port_is_free
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.progress import Progress
from aurora_lambda_local.runtimes.debugged import DEBUG_PORT
from aurora_lambda_local.supervisor.client import SupervisorClient
from tests.local.running import Lines, lambda_client
from tests.services import eventually

pytestmark = pytest.mark.slow


def program() -> None:
    """Register a function, with the outputs by which commands find it."""
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    role = "arn:aws:iam::123456789012:role/hello"
    function = aws.lambda_.Function("hello", package_type="Image", image_uri=image.image_uri, role=role)
    pulumi.export("helloLambdaArn", function.arn)
    pulumi.export("helloLambdaName", function.name)


def bring_up(checkout: Path) -> Lines:
    lines = Lines()
    up("local", checkout=checkout, program=program, progress=Progress(lines.append))
    return lines


def waited(stack: DeployedStack) -> None:
    """Invoke a function that is ended before it answers."""
    with pytest.raises(Exception, match="(?i)exit|signal"):
        stack.invoke("hello", b"{}")


def test_a_function_waits_for_the_editor_until_the_next_up(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stream or a page of one's own sends to a function could be stopped by prints alone."""
    monkeypatch.chdir(checkout)
    bring_up(checkout)
    stack = select_stack(None)
    supervisor = SupervisorClient(LocalPaths.for_checkout(checkout))
    supervisor.debug_function(stack.arn("hello"), "")
    assert eventually(lambda: not port_is_free(DEBUG_PORT))
    with closing(lambda_client(checkout)) as client:
        assert [each["FunctionArn"] for each in client.list_functions()["Functions"]] == [stack.arn("hello")]
    invocation = threading.Thread(target=lambda: waited(stack))
    invocation.start()
    invocation.join(2)
    assert invocation.is_alive()
    assert bring_up(checkout).changes()["aws:lambda:Function hello"] == "restored"
    invocation.join(30)
    assert not invocation.is_alive()
    assert eventually(lambda: port_is_free(DEBUG_PORT))
    assert isinstance(stack.invoke("hello", b"{}"), str | bytes | dict | list)
    commands.down(checkout)
