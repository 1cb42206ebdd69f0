"""`aurora-lambda preview`: say what `up` would do, and change nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi.runtime import rpc

from aurora_lambda.project import Project
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.deploy import load_program, run_reported
from aurora_lambda_local.program.forwarder import StackProgram
from aurora_lambda_local.program.program_state import Asked
from aurora_lambda_local.program.progress import CHANGE_ORDER, PLANNED_CHANGES, Progress
from aurora_lambda_local.program.receiver import ResourceReceiver
from aurora_lambda_local.resources.dsql_clusters import DSQL_CLUSTER
from aurora_lambda_local.resources.outputs import resource_outputs
from aurora_lambda_local.resources.providers import PROVIDERS
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.state import StackState, load_state, value_digest
from aurora_lambda_local.resources.type_tokens import CLUSTER, FUNCTION, IMAGE, INVOCATION
from aurora_lambda_local.supervisor.client import SupervisorClient

# What only making a resource shows.
UNKNOWN_OUTPUTS: Mapping[str, str] = {IMAGE: "repoDigest", INVOCATION: "result", FUNCTION: "version"}
# A resource is made again when one of these types changes, though its own inputs stay the same.
MADE_WITH: Mapping[str, tuple[str, ...]] = {
    CLUSTER: ("aws:rds/clusterParameterGroup:ClusterParameterGroup",),
    INVOCATION: (CLUSTER, DSQL_CLUSTER),
}


@dataclass(frozen=True)
class PreviewResult:
    """The result of a preview: the number of resources by kind of change, and the stack's outputs as far as known.

    `before` are the outputs that the stack has now.
    """

    changes: Mapping[str, int]
    outputs: Outputs
    before: Outputs


class ResourceComparer(ResourceReceiver):
    """Compares each resource with what the last `up` made of it."""

    def __init__(
        self, state: StackState, program: StackProgram, progress: Progress, supervisor: SupervisorClient | None
    ) -> None:
        """Compare with `state`; without a supervisor, nothing of the stack runs."""
        super().__init__(program.region, state.outputs)
        self._state, self._program, self._progress, self._supervisor = state, program, progress, supervisor
        self._changed_types: set[str] = set()

    def lookup(self, function: str, arguments: Inputs) -> Outputs:
        """Ask the supervisor; where the stack is stopped, `up` finds out whether the table has a stream."""
        if self._supervisor:
            return self._supervisor.lookup(function, arguments)
        return {**arguments, "streamEnabled": True, "streamArn": f"the stream of table {arguments['name']}"}

    def receive(self, urn: str, type_token: str, name: str, inputs: Inputs) -> tuple[str, Outputs]:
        """Compare one resource."""
        identifier, outputs = resource_outputs(type_token, name, inputs, self._program.region)
        change = self._change(urn, type_token, identifier, inputs)
        record = self._state.resources.get(urn)
        if record and change != "replaced":
            outputs |= record.local_outputs
        if change not in ("same", "restored") and type_token in UNKNOWN_OUTPUTS:
            outputs[UNKNOWN_OUTPUTS[type_token]] = rpc.UNKNOWN
        if change != "same":
            self._changed_types.add(type_token)
        self.report(change, type_token, name)
        return identifier, outputs

    def report(self, change: str, type_token: str, name: str) -> None:
        """Count a change, and tell it."""
        self.changes[change] += 1
        self._progress.change(change, type_token, name, recorded=type_token not in PROVIDERS)

    def _change(self, urn: str, type_token: str, identifier: str, inputs: Inputs) -> str:
        record = self._state.resources.get(urn)
        if record is None:
            return "created"
        if record.id != identifier:
            return "replaced"
        rebuilt = type_token == IMAGE and record.further_digest != value_digest(self._program.containers)
        if rebuilt or record.digest != value_digest(inputs) or self._changed_types & {*MADE_WITH.get(type_token, ())}:
            return "updated"
        return "same" if self._supervisor or type_token not in PROVIDERS else "restored"


def preview(
    stack: str = "local",
    overrides: Mapping[str, str] | None = None,
    *,
    checkout: Path | None = None,
    containers: bool = False,
    program: Callable[[], None] | None = None,
    progress: Progress | None = None,
) -> PreviewResult:
    """Tell what `up` with the same arguments would do, and change nothing.

    Raises:
        UsageError: there is no such stack, or its file cannot be used.
        SettingsError: the configuration is wrong (`aurora_lambda.service.configuration`).
        LocalError: the state of the last `up` cannot be read, or the program failed.
    """
    progress = progress or Progress(planned=True)
    asked = Asked(Project.find(checkout), stack, overrides or {}, containers)
    paths = LocalPaths.for_checkout(asked.project.root)
    stack_program = load_program(asked, progress, program)
    states, supervisor = load_state(paths.state), SupervisorClient(paths)
    state = states.stacks.get(stack, StackState())
    runs = supervisor.is_running() and states.current == stack
    comparer = ResourceComparer(state, stack_program, progress, supervisor if runs else None)
    outputs = run_reported(stack_program, comparer, preview=True)
    for urn, record in state.resources.items():
        if urn not in comparer.urns:
            comparer.report("deleted", record.type, record.name)
    progress.finish()
    progress.write(summary(comparer.changes))
    return PreviewResult(comparer.changes, outputs, state.outputs)


def summary(changes: Mapping[str, int]) -> str:
    """Return the line that ends a preview."""
    counts = [f"{changes[each]} to {PLANNED_CHANGES[each]}" for each in CHANGE_ORDER[:-1] if changes.get(each)]
    return f"Preview: {', '.join([*counts, str(changes.get('same', 0))])} unchanged."
