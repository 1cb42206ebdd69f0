"""The stack that is up: creates, updates, restores and deletes its resources as the program asks."""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.invoke_api import InvokeApi
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.shell import use_environment
from aurora_lambda_local.resources.aws_services import AwsServices
from aurora_lambda_local.resources.context import PortAllocator, Resource, StackContext
from aurora_lambda_local.resources.providers import PROVIDERS
from aurora_lambda_local.resources.reachability import reachability_errors
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.running import RunningCluster
from aurora_lambda_local.resources.state import ResourceRecord, StackState, is_readable, load_or_set_aside, save_state
from aurora_lambda_local.resources.stream_providers import LOOKUPS, REMOVERS, replaced_data, stored_data
from aurora_lambda_local.supervisor.debugging import debug_function, function_start
from aurora_lambda_local.supervisor.messages import (
    Change,
    DeletedResource,
    FinishRequest,
    FunctionStart,
    GivenUp,
    ProgramState,
    RepeatedUpdate,
    ResourceRequest,
    ResourceResult,
    StackStatus,
    UpdateFinished,
    UpdateRequest,
    UpdateStarted,
    stopped_status,
)
from aurora_lambda_local.supervisor.repetition import ProgramRun, plan_repetition, replace_texts
from aurora_lambda_local.supervisor.requested import is_unchanged, requested_resource, resource_digests, runs
from aurora_lambda_local.supervisor.stack_status import engine_notices, given_up, redrive, running_status

# Follows the URN of a replaced resource in the state, and the old id that: it is deleted as what has left the program.
REPLACED = "#replaced-"


class RunningStack:
    """The one stack of a checkout that is up, and what it needs on this machine."""

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._state, notice = load_or_set_aside(paths.state)
        self._notices = [notice]
        self._ports = PortAllocator(self._state.ports)
        self._functions: dict[str, DeployedFunction] = {}
        self._state_lock = threading.RLock()
        self._resource_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._aws_services = AwsServices(self.allocate_port("AWS endpoint"))
        self._invoke_api = InvokeApi(self._functions, self.allocate_port("Lambda endpoint"))
        self._context: StackContext | None = None
        self._run = ProgramRun()

    def allocate_port(self, key: str) -> int:
        """Return a free port for `key`, the previous one where possible."""
        port, notice = self._ports.allocate(key)
        self._notices.append(notice)
        return port

    def begin_update(self, request: UpdateRequest) -> UpdateStarted:
        """Prepare for a run of the program; another stack that is up is suspended."""
        # It may have been started from another shell, or from this one before it had a proxy or an index.
        use_environment(request["shell"])
        stack, region = request["stack"], request["region"]
        notices, self._notices = [*self._notices, load_or_set_aside(self._paths.state)[1]], []
        if self._context and (self._context.stack, self._context.region) != (stack, region):
            if self._context.stack != stack:
                notices.append(f"stack {self._context.stack} is suspended; its data is kept")
            self._close_all(self._context)
            self._context = None
        if self._context is None:
            self._context = self._new_context(stack, region, Path(request["program_directory"]))
        self._context.containers = request["containers"]
        self._run = ProgramRun()
        stack_state = self._state.current_stack()
        overrides, stack_state.overrides = stack_state.overrides, request["overrides"]
        self._save_state()
        return {"notices": [notice for notice in notices if notice], "overrides": overrides}

    def apply_resource(self, request: ResourceRequest) -> ResourceResult:
        """Make one resource what the program says.

        Raises:
            LocalError: that is not possible.
        """
        context, started = self._require_context(), time.monotonic()
        resource = requested_resource(context, request)
        with context.lock:
            self._run.requests[resource.urn] = request
            context.resources[resource.urn] = resource
            resource_lock = self._resource_locks[resource.urn]
        # The `up` before this one may have been interrupted, and the resource still be in work.
        with resource_lock:
            change = self._apply(context, resource)
        notices, context.notices = context.notices, []
        return {
            "id": resource.id,
            "outputs": resource.outputs,
            "change": change,
            "recorded": resource.type not in PROVIDERS,
            "seconds": time.monotonic() - started,
            "notices": notices,
        }

    def finish_update(self, request: FinishRequest) -> UpdateFinished:
        """Delete what the program no longer registers, the newest first, and record the program's outputs.

        Raises:
            LocalError: the stack would not work on AWS.
        """
        context, stack = self._require_context(), self._state.current_stack()
        notices: list[str] = []
        removed = {urn: self._delete(context, stack, urn, notices) for urn in _removed(stack, request["urns"])}
        deleted = [resource for urn, resource in removed.items() if REPLACED not in urn]
        notices += engine_notices(stack.outputs, request["outputs"])
        stack.outputs, stack.links = dict(request["outputs"]), dict(request["links"])
        self._save_state()
        if errors := reachability_errors(context):
            raise LocalError("\n".join(errors))
        self._run = self._run.finished(request["urns"], request["program"])
        return {"deleted": deleted, "notices": notices}

    def last_program(self) -> ProgramState | None:
        """Return what the last update's program depended on."""
        return self._run.program

    def repeat_update(self) -> RepeatedUpdate | None:
        """Repeat the last update without its program, where that makes nothing but images and functions anew."""
        context, stack = self._require_context(), self._state.current_stack()
        repetition = plan_repetition(self._run, context)
        # An unreadable state is put aside by the update that runs the program.
        if repetition is None or not is_readable(self._paths.state):
            return None
        total = len(self._run.requests)
        # Should this not come to its end, the next update has to run the program.
        self._run = ProgramRun()
        repeated = repetition.carry_out(self.apply_resource, context.program_directory)
        self._run = repeated.run
        if repeated.replaced:
            stack.outputs = replace_texts(stack.outputs, repeated.replaced)
            self._save_state()
        same = total - len(repeated.resources)
        return {"resources": repeated.resources, "same": same, "outputs": stack.outputs}

    def data_to_replace(self, request: ResourceRequest) -> list[str]:
        """Return what is deleted to make one resource what the program says."""
        context = self._require_context()
        identifier = requested_resource(context, request).id
        lost = replaced_data(context, request["type"], identifier, request["inputs"])
        return [lost] if lost else []

    def data_to_delete(self, urns: Sequence[str]) -> list[str]:
        """Return what `finish_update` deletes."""
        context, stack = self._require_context(), self._state.current_stack()
        removed = _removed(stack, urns)
        kept = {(each.type, each.id) for urn, each in stack.resources.items() if urn not in removed}
        records = [stack.resources[urn] for urn in removed]
        held = [stored_data(context, each.type, each.id) for each in records if (each.type, each.id) not in kept]
        return list(dict.fromkeys(filter(None, held)))

    def lookup(self, function: str, arguments: Inputs) -> Outputs:
        """Return the result of an `aws.get_...` call that only the running stack can answer.

        Raises:
            LocalError: what is looked up does not exist.
        """
        answer = LOOKUPS[function](self._require_context(), arguments)
        self._run.lookups.append((function, arguments, answer))
        return answer

    def status(self) -> StackStatus:
        """Return the status of the stack."""
        if self._context is None:
            return stopped_status(self._state.current, self._state.current_stack().outputs)
        return running_status(self._state, self._context, self._invoke_api.endpoint)

    def given_up(self) -> GivenUp:
        """Return what the stack's mappings have given up, and what is in its queues; nothing is received by that."""
        return given_up(self._require_context())

    def redrive(self, queue: str) -> int:
        """Put the dead letters of a queue, by its name in the program, back into it, and return how many."""
        return redrive(self._require_context(), queue)

    def function_start(self, arn: str) -> FunctionStart:
        """Return how to start a function by hand."""
        return function_start(self._require_context(), arn)

    def debug_function(self, arn: str, sources: str) -> None:
        """Let a function wait for a debugger."""
        debug_function(self._require_context(), arn, sources)

    def stop(self) -> None:
        """End everything; data on disk stays."""
        if self._context:
            self._close_all(self._context)
        self._invoke_api.stop()

    def _new_context(self, stack: str, region: str, program_directory: Path) -> StackContext:
        self._state.current = stack
        self._aws_services.open_store(self._paths.streams(stack))
        return StackContext(
            self._paths,
            stack,
            region,
            program_directory,
            self._state.current_stack().resources,
            self._ports,
            self._aws_services,
            self._functions,
        )

    def _require_context(self) -> StackContext:
        if self._context is None:
            raise LocalError("no stack is up: run aurora-lambda up")
        return self._context

    def _apply(self, context: StackContext, resource: Resource) -> Change:
        record, running = context.records.get(resource.urn), context.running_resources.get(resource.urn)
        unchanged = is_unchanged(context, resource)
        local_outputs = record.local_outputs if record else {}
        if unchanged and runs(context, resource):
            resource.outputs |= local_outputs
            return "same"
        if provider := PROVIDERS.get(resource.type):
            # Should this fail, the next update has to try again.
            if record:
                record.digest = ""
            context.running_resources[resource.urn], local_outputs = provider(context, resource, running)
        resource.outputs |= local_outputs
        # The digests again, because a provider may change what it is made from.
        digest, further_digest = resource_digests(context, resource)
        with self._state_lock:
            if record and record.id != resource.id and resource.type in REMOVERS:
                context.records[f"{resource.urn}{REPLACED}{record.id}"] = record
            context.records[resource.urn] = ResourceRecord(
                resource.type, resource.name, resource.id, digest, local_outputs, further_digest
            )
            self._save_state()
        if record is None:
            return "created"
        return "restored" if unchanged else "updated" if record.id == resource.id else "replaced"

    @staticmethod
    def _delete(context: StackContext, stack: StackState, urn: str, notices: list[str]) -> DeletedResource:
        if running := context.running_resources.pop(urn, None):
            running.close()
        context.resources.pop(urn, None)
        record = stack.resources.pop(urn)
        # What another resource of the program is too, under another name, is still in use.
        in_use = any((each.type, each.id) == (record.type, record.id) for each in stack.resources.values())
        if (remove := REMOVERS.get(record.type)) and not in_use:
            if lost := stored_data(context, record.type, record.id):
                notices.append(f"deleted with what it held: {lost}")
            remove(context, record.id)
        return {"type": record.type, "name": record.name, "recorded": record.type not in PROVIDERS}

    def _save_state(self) -> None:
        with self._state_lock:
            save_state(self._paths.state, self._state)

    def _close_all(self, context: StackContext) -> None:
        """End functions and listeners first, then all database servers at once."""
        clusters = [running for running in context.running_resources.values() if isinstance(running, RunningCluster)]
        for running in reversed(context.running_resources.values()):
            if not isinstance(running, RunningCluster):
                running.close()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda cluster: cluster.close(), clusters))
        context.aws_services.close_store()


def _removed(stack: StackState, registered: Sequence[str]) -> list[str]:
    """Return what the program no longer registers, the newest first."""
    return [urn for urn in reversed(stack.resources) if urn not in set(registered)]
