"""`invoke --debug`: one invocation in this terminal; `up --debug`: a function that waits for an editor."""

import os
import signal
import subprocess
import tempfile

from aurora_lambda.project import Project
from aurora_lambda_local.deployed.stack import DeployedStack, select_stack
from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.runtimes.debugged import DEBUG_HOST, DEBUG_PORT
from aurora_lambda_local.runtimes.virtualenv import ONE_INVOCATION
from aurora_lambda_local.supervisor.client import SupervisorClient


def invoke_here(stack: DeployedStack, name: str, payload: bytes) -> int:
    """Run the function's interpreter in its environment, on the application as it is written now; return its exit code.

    Raises:
        UsageError: the stack is on AWS, or has no such function.
        LocalError: the function runs in containers.
    """
    if not stack.endpoint:
        raise UsageError("--debug runs a function of the stack that is up here; leave out -s, or --debug")
    arn = stack.arn(name)
    start = SupervisorClient(LocalPaths.for_checkout()).function_start(arn)
    application = Project.find().application
    # The sources, not the copy that `up` has made: a breakpoint needs no deployment, and an editor knows the files.
    folder = application.parent if application.is_dir() else start["directory"]
    variables = {**start["variables"], "PYTHONPATH": start["directory"], "TERM": os.environ.get("TERM", "dumb")}
    # Ctrl-C is the debugger's. A handler, unlike SIG_IGN, is not inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    with tempfile.TemporaryFile() as file:
        file.write(payload)
        file.seek(0)
        arguments = [start["handler"], arn, str(file.fileno())]
        command = [start["python"], "-c", ONE_INVOCATION, *arguments]
        code = subprocess.run(command, cwd=folder, env=variables, pass_fds=(file.fileno(),), check=False).returncode
    # As a shell counts: 130 is an interrupt.
    return code if code >= 0 else 128 - code


def wait_for_editor(name: str) -> str:
    """Let a function of the stack that is up here wait for an editor's debugger, and return a line that says where.

    Raises:
        UsageError: the stack has no such function.
        LocalError: the function runs in containers, or the address is taken.
    """
    application = Project.find().application
    sources = str(application.parent) if application.is_dir() else ""
    arn = select_stack(None).arn(name)
    SupervisorClient(LocalPaths.for_checkout()).debug_function(arn, sources)
    return f"{name} waits for an editor at {DEBUG_HOST}:{DEBUG_PORT}, with no deadline; the next up ends that"
