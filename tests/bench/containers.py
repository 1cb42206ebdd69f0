"""Containers of an image, and the process in one timed from its own first moment."""

import os
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aurora_lambda_local.lambda_service.runtime_api import Invocation, Outcome, RuntimeApi
from aurora_lambda_local.runtimes.docker_engine import DockerEngine

WORKLOADS = Path(__file__).parent / "workloads"
MOUNT = "/bench"
PYTHON = "/var/task/bin/python3"
PLAIN = [PYTHON, "-m", "awslambdaric"]
# The process's first moment, from inside: the engine takes longer to make a container than Python to start.
BEGAN = "began "
STAMPED = ["sh", "-c", f'date "+{BEGAN}%s%N"; exec "$@"', "sh"]
ADD = b'{"command":"add"}'
SECONDS = 60


@dataclass(frozen=True)
class Program:
    """What runs in a container: an image's own command, or another one in its place."""

    name: str
    image: str
    environment: Mapping[str, str]
    command: Sequence[str] = ()
    mounts: Mapping[Path, str] = field(default_factory=lambda: {WORKLOADS: MOUNT})

    def line(self, engine: DockerEngine, name: str, before: Sequence[str], more: Sequence[str]) -> list[str]:
        """How to run it, as Lambda would: a read-only root, not root, only /tmp to write to, values not on the line."""
        mounts = [f"--volume={path}:{place}:ro" for path, place in self.mounts.items()]
        names = [f"--env={variable}" for variable in more]
        sandbox = ["--network=host", "--read-only", "--tmpfs=/tmp", "--user=65534:65534", "--interactive"]
        config = engine.inspect(self.image)["Config"]
        command = [*before, *(self.command or [*config["Entrypoint"], *config["Cmd"]])]
        run = [str(engine.client), "run", "--rm", f"--name={name}", *sandbox, *mounts, *names]
        return [*run, f"--entrypoint={command[0]}", self.image, *command[1:]]

    def start(self, engine: DockerEngine, name: str, before: Sequence[str] = (), **more: str) -> subprocess.Popen[str]:
        """Run it in a container called `name`, its command preceded by `before`."""
        environment = {**self.environment, **more}
        return subprocess.Popen(
            self.line(engine, name, before, list(environment)),
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def output(self, engine: DockerEngine) -> str:
        """Run it to its end, and return what it prints.

        Raises:
            RuntimeError: it failed.
        """
        process = self.start(engine, container_name())
        printed = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(f"{self.name} failed:\n{printed}")
        return printed


@dataclass
class Served:
    """A container that answers invocations."""

    engine: DockerEngine
    name: str
    process: subprocess.Popen[str]
    api: RuntimeApi
    milliseconds: float = 0.0

    def invoke(self, payload: bytes = ADD) -> Outcome:
        """Run one invocation to its end."""
        invocation = an_invocation(payload)
        self.api.set_current(invocation)
        self.api.enqueue(invocation)
        return checked(invocation)

    def stop(self) -> None:
        """End the container."""
        self.engine.run("kill", self.name)
        self.process.communicate(timeout=SECONDS)
        self.api.process_ended("measured")


def serve(
    engine: DockerEngine,
    program: Program,
    *,
    event: bytes = ADD,
    before: Sequence[str] = STAMPED,
    started: Callable[[str, subprocess.Popen[str]], object] = lambda _name, _process: None,
) -> Served:
    """Start `program` with an event waiting for it; once that is answered, `milliseconds` says how long it took.

    Raises:
        RuntimeError: it did not answer, or with an error.
    """
    api = RuntimeApi()
    first = an_invocation(event)
    answered: list[int] = []
    first.outcome.add_done_callback(lambda _: answered.append(time.time_ns()))
    api.set_current(first)
    api.enqueue(first)
    name = container_name()
    process = program.start(engine, name, before, AWS_LAMBDA_RUNTIME_API=api.address)
    served = Served(engine, name, process, api)
    try:
        started(name, process)
        began = _began(process) if before is STAMPED else 0
        checked(first)
    except Exception as error:
        process.kill()
        raise RuntimeError(f"{program.name} did not answer ({error}):\n{process.communicate()[0]}") from None
    served.milliseconds = (answered[0] - began) / 1e6
    return served


def container_name() -> str:
    """Return a new name that says that a container is a measurement's."""
    return f"aurora-lambda-bench-{uuid.uuid4().hex[:8]}"


def an_invocation(payload: bytes) -> Invocation:
    """Return an invocation of no function in particular."""
    return Invocation(str(uuid.uuid4()), payload, "arn:aws:lambda:eu-central-1:123456789012:function:bench", SECONDS)


def checked(invocation: Invocation) -> Outcome:
    """Return the outcome of an invocation; a failed one ends the measurement."""
    outcome = invocation.outcome.result(SECONDS)
    if outcome.failed:
        raise RuntimeError(f"the invocation failed: {outcome.payload.decode()}")
    return outcome


def _began(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return next(int(line.removeprefix(BEGAN)) for line in process.stdout if line.startswith(BEGAN))
