"""`aurora-lambda up`: run a stack's own program on this machine."""

import platform
import runpy
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pulumi

from aurora_lambda.project import Project
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.imports import uncollected
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.configuration import full_key, machine_values, read_configuration
from aurora_lambda_local.program.forwarder import ResourceForwarder, StackProgram
from aurora_lambda_local.program.monitor import run_program
from aurora_lambda_local.program.program_state import Asked, repeatable_state
from aurora_lambda_local.program.progress import Progress, UpResult, summary
from aurora_lambda_local.program.receiver import ResourceReceiver
from aurora_lambda_local.resources.resource_schemas import Outputs
from aurora_lambda_local.resources.state import recorded_outputs
from aurora_lambda_local.supervisor.client import SupervisorClient, exclusive
from aurora_lambda_local.supervisor.messages import ProgramState

DEFAULT_REGION = "us-east-1"
# Is asked whether what holds data, each named in words, may be deleted.
MayDelete = Callable[[Sequence[str]], bool]


def up(
    stack: str = "local",
    overrides: Mapping[str, str] | None = None,
    *,
    checkout: Path | None = None,
    containers: bool = False,
    program: Callable[[], None] | None = None,
    progress: Progress | None = None,
    may_delete: MayDelete | None = None,
) -> UpResult:
    """Bring a stack up on this machine, and leave it running under the supervisor.

    Args:
        stack: The name in `stacks/Pulumi.<name>.yaml`.
        overrides: Configuration keys, by default the project's, that win over the stack's file for this run.
        checkout: The project's folder; by default that of the working directory.
        containers: Whether functions run in containers of the images that AWS would get.
        program: The Pulumi program; by default the one in `stacks`.
        progress: Is told what goes on; by default it prints.
        may_delete: Is asked whether what holds data, each named in words, may be deleted; by default it may.

    Raises:
        UsageError: there is no such stack, or its file cannot be used.
        SettingsError: the configuration is wrong; nothing has been changed then.
        LocalError: a resource could not be created, or data may not be deleted; what was created before that stays.
    """
    started, clock, progress = time.monotonic(), time.time(), progress or Progress()
    asked = Asked(Project.find(checkout), stack, overrides or {}, containers)
    paths = LocalPaths.for_checkout(asked.project.root)
    stack_program = load_program(asked, progress, program)

    def state() -> ProgramState | None:
        return None if program else repeatable_state(asked, clock)

    try:
        with exclusive(paths):
            update = _Update(SupervisorClient(paths), stack_program, progress, may_delete)
            outputs = update.run(recorded_outputs(paths.state, stack), state)
    except KeyboardInterrupt:
        progress.write("interrupted: what was made stays; aurora-lambda up goes on from there")
        raise
    result = UpResult(outputs, update.changes, time.monotonic() - started)
    progress.write(summary(result))
    return result


def load_program(asked: Asked, progress: Progress, program: Callable[[], None] | None) -> StackProgram:
    """Return a stack's program, by default its own, with the configuration to run it with here.

    Raises:
        UsageError: there is no such stack, or its file cannot be used.
    """
    project = asked.project
    given = {full_key(key, project.name, "-c"): value for key, value in asked.overrides.items()}
    config = _local_configuration(asked, given, progress)
    main, region = program or _stack_program(project), config["aws:region"]
    return StackProgram(
        project.name, asked.stack, region, config, project.program, main, asked.containers, tuple(given)
    )


class _Update:
    """One run of a program with all that comes after it.

    Attributes:
        changes: The number of resources by kind of change.
    """

    def __init__(
        self, supervisor: SupervisorClient, program: StackProgram, progress: Progress, may_delete: MayDelete | None
    ) -> None:
        self._supervisor, self._program, self._progress, self._may_delete = supervisor, program, progress, may_delete
        self.changes: Mapping[str, int] = {}

    def run(self, before: Outputs, state: Callable[[], ProgramState | None]) -> Outputs:
        """Run the program, delete what it no longer registers, and return its outputs; `before` are the last run's.

        `state` says what the program has depended on.

        Raises:
            SettingsError, LocalError: as `up`.
        """
        forwarder, outputs = self._forward(before)
        forwarder.start_update()
        if self._may_delete:
            self._require_consent(self._supervisor.data_to_delete(forwarder.urns))
        with self._progress.working("deleting what the program no longer has"):
            finished = self._supervisor.finish_update(
                {"urns": forwarder.urns, "links": forwarder.links, "outputs": outputs, "program": state()}
            )
        for resource in finished["deleted"]:
            forwarder.report("deleted", resource["type"], resource["name"], recorded=resource["recorded"])
        self._progress.finish()
        self._progress.note(*finished["notices"])
        self.changes = forwarder.changes
        return outputs

    def _forward(self, before: Outputs) -> tuple[ResourceForwarder, Outputs]:
        """Run the program, and once more where somebody lets go of data that it would replace."""
        forwarder = self._forwarder(before, keeps_data=self._may_delete is not None)
        try:
            return forwarder, run_reported(self._program, forwarder)
        except LocalError:
            if not forwarder.kept or len(forwarder.kept) < len(forwarder.failures):
                raise
        self._require_consent(forwarder.kept)
        forwarder = self._forwarder(before, keeps_data=False)
        return forwarder, run_reported(self._program, forwarder)

    def _forwarder(self, before: Outputs, *, keeps_data: bool) -> ResourceForwarder:
        return ResourceForwarder(self._supervisor, self._program, self._progress, before, keeps_data=keeps_data)

    def _require_consent(self, lost: Sequence[str]) -> None:
        if not lost or not self._may_delete or self._may_delete(lost):
            return
        here = "" if self._program.stack == "local" else f" -s {self._program.stack}"
        raise LocalError(
            f"nothing is deleted, and the stack goes on with what was made. To keep {', '.join(lost)}, restore that in"
            f" the program; to delete it: aurora-lambda up{here} --yes"
        )


def run_reported(program: StackProgram, receiver: ResourceReceiver, *, preview: bool = False) -> Outputs:
    """Run the program and return its outputs.

    Raises:
        SettingsError: the configuration is wrong (`aurora_lambda.service.configuration`).
        LocalError: resources failed, or the program did.
    """
    try:
        return run_program(program, receiver, preview=preview)
    except pulumi.RunError:
        raise
    except Exception as error:
        if receiver.failures:
            raise LocalError("\n".join(receiver.failures)) from error
        raise _program_error(error, program.directory) from error


def _program_error(error: Exception, directory: Path) -> LocalError:
    """Return an error that names the line of the program where another one happened, or led to it."""
    # What Pulumi puts around it at each resource that waited for another names none of what went wrong.
    while isinstance(error.__cause__, Exception) and str(error).startswith("While processing "):
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    frame = ([each for each in frames if Path(each.filename).is_relative_to(directory)] or frames)[-1]
    # A syntax error's message names its line.
    where = "" if isinstance(error, SyntaxError) else f" ({Path(frame.filename).name}, line {frame.lineno})"
    return LocalError(f"the program failed: {type(error).__name__}: {error}{where}{_other_environment(error)}")


def _other_environment(error: Exception) -> str:
    """Say that this command is none of the project's own environment, where that may be why a module is missing."""
    own = Project.find().root / ".venv"
    if not isinstance(error, ModuleNotFoundError) or not own.is_dir() or own.samefile(sys.prefix):
        return ""
    return f". This aurora-lambda is that of {sys.prefix}, not the project's; type: . {own / 'bin' / 'activate'}"


def _local_configuration(asked: Asked, given: dict[str, str], progress: Progress) -> dict[str, str]:
    """Return the configuration of the stack's file and what was `given` over it, by full keys.

    It is changed where this machine can do only one thing, and what is changed is said.
    """
    project = asked.project
    config = {"aws:region": DEFAULT_REGION} | read_configuration(project, asked.stack) | given
    engine, architecture = (f"{project.name}:{key}" for key in ("engine", "architecture"))
    if engine in given:
        # Imported here for the same reason as the program below.
        from aurora_lambda.service.settings import keys_of_other_engines

        for key in keys_of_other_engines(given[engine]):
            name = f"{project.name}:{key.name}"
            if name in config and name not in given:
                progress.note(f"{key.name} of the stack's file means nothing on engine {given[engine]}: it is not used")
                del config[name]
    if machine := machine_values(project.name, config):
        progress.note("databaseAuth is password here: no MySQL server but Amazon's takes IAM tokens")
        config |= machine
    own = "x86_64" if platform.machine() in ("x86_64", "AMD64") else "arm64"
    if asked.containers and architecture not in given and config.get(architecture, "arm64") != own:
        progress.note(f"architecture is {own} here: the Docker engine builds for this machine")
        config[architecture] = own
    return config


def _stack_program(project: Project) -> Callable[[], None]:
    """Return the project's own program, run as Python runs a folder: its modules are beside its `__main__.py`."""
    # Imported here because that takes a second, and errors before this point are reported at once.
    with uncollected():
        import aurora_lambda.service.stack  # noqa: F401

    def run() -> None:
        runpy.run_path(str(project.program), run_name="__main__")

    return run
