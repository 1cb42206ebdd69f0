"""The commands' side of the supervisor: start it, ask it, stop it."""

import fcntl
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, TextIO

import psutil

from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.platform.paths import LocalPaths, code_digest
from aurora_lambda_local.platform.processes import terminate_leftovers, wait_until
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.runtimes.container import remove_containers
from aurora_lambda_local.runtimes.docker_engine import DockerUnavailableError
from aurora_lambda_local.supervisor.messages import (
    FinishRequest,
    FunctionStart,
    GivenUp,
    ProgramState,
    RepeatedUpdate,
    ResourceRequest,
    ResourceResult,
    StackStatus,
    SupervisorInfo,
    UpdateFinished,
    UpdateRequest,
    UpdateStarted,
)

# A machine that is busy may take this long to import what the supervisor needs; one that fails ends much earlier.
START_SECONDS = 300
STOP_SECONDS = 30


class SupervisorClient:
    """A client of one checkout's supervisor.

    Every request waits for its answer however long that takes, and raises LocalError when the supervisor refuses it or
    does not run.
    """

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._connections: set[http.client.HTTPConnection] = set()

    def is_running(self) -> bool:
        """Return whether the supervisor runs."""
        return self._info() is not None

    def is_current(self) -> bool:
        """Return whether a supervisor with this code and these rights runs: Docker's group may be new to this login."""
        info = self._info()
        return info is not None and info["code"] == code_digest() and info["groups"] == os.getgroups()

    def start(self) -> None:
        """Start the supervisor, unless one that is current runs already.

        Raises:
            LocalError: it does not start; the message ends with its log.
        """
        if self.is_current():
            return
        self.stop()
        with _open_for_writing(self._paths, self._paths.supervisor_log) as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "aurora_lambda_local.supervisor.server", self._paths.supervisor_argument],
                cwd=self._paths.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self.is_running() or process.poll() is not None, START_SECONDS)
        if self.is_running():
            # The supervisor outlives this process; without a return code Popen would warn of that.
            process.returncode = 0
            return
        if process.poll() is None:
            process.kill()
            process.wait()
            raise LocalError(f"the supervisor did not start within {START_SECONDS} s: try again on a less busy machine")
        log_text = self._paths.supervisor_log.read_text(errors="replace").strip()
        raise LocalError(f"the supervisor did not start; its log ends with:\n{log_text[-2000:]}")

    def begin_update(self, request: UpdateRequest) -> UpdateStarted:
        """Start an update of a stack."""
        return self._ask("begin_update", request=request)

    def apply_resource(self, request: ResourceRequest) -> ResourceResult:
        """Make one resource what the program says."""
        return self._ask("apply_resource", request=request)

    def data_to_replace(self, request: ResourceRequest) -> list[str]:
        """Return what holds data and is deleted to make one resource what the program says, in words."""
        return self._ask("data_to_replace", request=request)

    def data_to_delete(self, urns: Sequence[str]) -> list[str]:
        """Return what holds data and is deleted at the end, where the program has registered only `urns`."""
        return self._ask("data_to_delete", urns=urns)

    def lookup(self, function: str, arguments: Inputs) -> Outputs:
        """Answer an `aws.get_...` call."""
        return self._ask("lookup", function=function, arguments=arguments)

    def finish_update(self, request: FinishRequest) -> UpdateFinished:
        """End an update."""
        return self._ask("finish_update", request=request)

    def last_program(self) -> ProgramState | None:
        """Return what the last update's program depended on.

        None where that cannot be told, or the update did not end well.
        """
        return self._ask("last_program")

    def repeat_update(self) -> RepeatedUpdate | None:
        """Repeat the last update without its program; None, with nothing done, where the program has to run."""
        return self._ask("repeat_update")

    def status(self) -> StackStatus:
        """Return the status of the stack."""
        return self._ask("status")

    def console_address(self) -> str:
        """Return the console's address, with the token that opens it.

        Raises:
            UsageError: nothing is up here.
        """
        info = self._info()
        # A supervisor from before there was a console is replaced by the next `up`.
        if info is None or not info.get("console"):
            raise UsageError("no stack is running here; start one with: aurora-lambda up")
        return info["console"]

    def given_up(self) -> GivenUp:
        """Return what the stack's mappings have given up, and what is in its queues."""
        return self._ask("given_up")

    def redrive(self, queue: str) -> int:
        """Put the dead letters of a queue, by its name in the program, back into it, and return how many."""
        return self._ask("redrive", queue=queue)

    def function_start(self, arn: str) -> FunctionStart:
        """Return how a function is started."""
        return self._ask("function_start", arn=arn)

    def debug_function(self, arn: str, sources: str) -> None:
        """Let a function wait for a debugger; `sources` is the folder in which the application's package lies."""
        self._ask("debug_function", arn=arn, sources=sources)

    def abort(self) -> None:
        """Stop waiting for answers; the supervisor completes the requests."""
        for connection in list(self._connections):
            if connection.sock:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Stop the supervisor and all its processes, including those that a killed supervisor left behind."""
        if info := self._info():
            with suppress(LocalError):
                self._ask("stop")
            with suppress(psutil.Error):
                psutil.Process(info["pid"]).wait(STOP_SECONDS)
        moved_from = self._moved_from()
        terminate_leftovers(*self._paths.process_prefixes(), *(moved_from.process_prefixes() if moved_from else ()))
        with suppress(DockerUnavailableError):
            # No container outlives its supervisor for long, and none an engine that does not run.
            remove_containers(self._paths)
        self._paths.supervisor.unlink(missing_ok=True)

    def _ask(self, operation: str, **arguments: object) -> Any:
        """Return what an operation of the supervisor answers."""
        info = self._info()
        if info is None:
            raise UsageError("no stack is running here; start one with: aurora-lambda up")
        connection = http.client.HTTPConnection("127.0.0.1", info["port"])
        self._connections.add(connection)
        try:
            body = json.dumps(arguments, default=str)
            connection.request("POST", f"/{operation}", body, {"Authorization": info["token"]})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LocalError(f"the supervisor went away; see {self._paths.supervisor_log}") from error
        finally:
            self._connections.discard(connection)
            connection.close()
        if response.status != HTTPStatus.OK:
            other = ". What runs here was started by another version of aurora-lambda: run aurora-lambda up"
            raise LocalError(answer["error"] + (other if info["code"] != code_digest() else ""))
        return answer

    def _info(self) -> SupervisorInfo | None:
        """Return how to reach the supervisor; None when it does not run, even if its file still exists."""
        info, paths = self._recorded()
        return info if paths == self._paths else None

    def _moved_from(self) -> LocalPaths | None:
        """Return the paths that a supervisor goes on with whose folder has been moved here since it was started.

        A copy of the folder has the record too; there, the supervisor is the original's.
        """
        _, paths = self._recorded()
        return paths if paths and paths != self._paths and not paths.root.exists() else None

    def _recorded(self) -> tuple[SupervisorInfo, LocalPaths] | tuple[None, None]:
        """Return the supervisor of the file and the paths that it was started with, if such a process runs."""
        try:
            info: SupervisorInfo = json.loads(self._paths.supervisor.read_text())
            arguments = psutil.Process(info["pid"]).cmdline()
        except (OSError, ValueError, TypeError, KeyError, psutil.Error):
            return None, None
        paths = LocalPaths.of_supervisor(arguments)
        return (info, paths) if paths else (None, None)


@contextmanager
def exclusive(paths: LocalPaths) -> Generator[None]:
    """Lock the checkout for one `up` or `down`; the lock ends with the process, even if that is killed.

    Raises:
        LocalError: another `up` or `down` holds the lock, or `.local` cannot be written.
    """
    with _open_for_writing(paths, paths.lock) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError("another aurora-lambda up or down is under way in this checkout") from None
        yield


def waited_for_other(paths: LocalPaths) -> bool:
    """Wait while another `up` or `down` is under way, and return whether one was."""
    with suppress(OSError), paths.lock.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_SH)
            return True
    return False


def _open_for_writing(paths: LocalPaths, file: Path) -> TextIO:
    try:
        paths.root.mkdir(exist_ok=True)
        return file.open("w")
    except OSError as error:
        raise LocalError(f"{paths.root} cannot be written ({error.strerror}): make it writable for you") from error
