"""Starting a function by hand, and letting one wait for a debugger."""

from dataclasses import replace
from pathlib import Path

from aurora_lambda_local.lambda_service.environment import FunctionConfig, environment_variables
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.lambda_service.logs import FunctionLog
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.processes import port_is_free
from aurora_lambda_local.resources.context import StackContext
from aurora_lambda_local.runtimes.debugged import DEBUG_PORT, DebuggedImage
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage
from aurora_lambda_local.supervisor.messages import FunctionStart

# For who steps through it: seconds.
NO_DEADLINE = 24 * 3600.0


class DebuggedFunction(Function):
    """A function that may wait for a debugger that never comes: another build in its place ends it at once."""

    def retire(self) -> None:
        """End all environments now."""
        super().retire()
        for environment in [*self._busy]:
            environment.stop()


def function_start(context: StackContext, arn: str) -> FunctionStart:
    """Return how to start a function by hand.

    Raises:
        LocalError: there is no such function, or it runs in containers.
    """
    config, image = _on_this_machine(context, arn)
    return {
        "python": str(image.python),
        "directory": str(image.directory),
        "handler": config.handler,
        "variables": environment_variables(config, runtime_api=""),
    }


def debug_function(context: StackContext, arn: str, sources: str) -> None:
    """Let a function run in one environment that waits for a debugger, until it is deployed again.

    Raises:
        LocalError: there is no such function, it runs in containers, or the debuggers' port is taken.
    """
    config, image = _on_this_machine(context, arn)
    if not port_is_free(DEBUG_PORT):
        raise LocalError(f"port {DEBUG_PORT}, where debuggers and editors meet, is taken by another program: end that")
    debugged = DebuggedImage(image, Path(sources or image.directory))
    config = replace(config, image=debugged, timeout=NO_DEADLINE, concurrency=1)
    build = DebuggedFunction(config, FunctionLog(context.paths.log(context.stack, config.name)))
    deployed = context.functions[config.name]
    before = deployed.latest
    # What runs is no longer what was deployed, so the next `up` deploys it again.
    deployed.deploy(build)
    before.retire()
    build.start_environment()


def _on_this_machine(context: StackContext, arn: str) -> tuple[FunctionConfig, VirtualenvImage]:
    config = context.find_function(arn).config
    if not isinstance(config.image, VirtualenvImage):
        remedy = "first type: aurora-lambda up, without --containers" if context.containers else "its image is not ours"
        raise LocalError(f"{config.name} runs in a container; {remedy}")
    return config, config.image
