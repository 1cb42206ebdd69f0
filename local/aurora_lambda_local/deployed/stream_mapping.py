"""An event source mapping of a deployed stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botocore.client import BaseClient

from aurora_lambda_local.commands import status
from aurora_lambda_local.deployed.stack import DeployedStack
from aurora_lambda_local.platform.errors import UsageError

# The output that names the mappings of a stack: their UUIDs by name.
MAPPINGS_OUTPUT = "streamMappings"


@dataclass(frozen=True)
class StreamMapping:
    """Which stream of a stack goes to which function, and where its failures go."""

    stack: DeployedStack
    name: str
    uuid: str
    function_arn: str
    stream_arn: str
    destination: str
    filters: Sequence[str]

    def client(self, service: str, *, once: bool = False) -> BaseClient:
        """Return a client of one AWS service, in the stream's region; `once` for invocations."""
        return self.stack.client(service, self.stream_arn, once=once)


def find_mapping(stack: DeployedStack, name: str) -> StreamMapping:
    """Return the mapping of a stack that is called `name`.

    Raises:
        UsageError: the stack has no such mapping.
        BotoCoreError, ClientError: AWS does not describe it.
    """
    return _local_mapping(stack, name) if stack.endpoint else _deployed_mapping(stack, name)


def _local_mapping(stack: DeployedStack, name: str) -> StreamMapping:
    report, uuid = status(), _uuids(stack).get(name)
    found = [each for key, each in report["mappings"].items() if each["uuid"] == uuid or key == name]
    if not found:
        raise _unknown(stack, name, _uuids(stack) or report["mappings"])
    mapping = found[0]
    return StreamMapping(
        stack,
        name,
        mapping["uuid"],
        mapping["function"],
        mapping["stream"],
        mapping["destination"],
        mapping["filters"],
    )


def _deployed_mapping(stack: DeployedStack, name: str) -> StreamMapping:
    uuids = _uuids(stack)
    if name not in uuids:
        raise _unknown(stack, name, uuids)
    client = stack.client("lambda", next(iter(stack.functions().values()), ""))
    found = client.get_event_source_mapping(UUID=str(uuids[name]))
    on_failure = found.get("DestinationConfig", {}).get("OnFailure", {})
    filters = [each["Pattern"] for each in found.get("FilterCriteria", {}).get("Filters", [])]
    destination = on_failure.get("Destination", "")
    return StreamMapping(
        stack, name, found["UUID"], found["FunctionArn"], found["EventSourceArn"], destination, filters
    )


def _uuids(stack: DeployedStack) -> Mapping[str, object]:
    """Return the UUIDs of a stack's mappings by the names of their streams."""
    output = stack.outputs.get(MAPPINGS_OUTPUT)
    return output if isinstance(output, Mapping) else {}


def _unknown(stack: DeployedStack, name: str, known: Mapping[str, object]) -> UsageError:
    return UsageError(f"stack {stack.name!r} has no mapping {name!r}; it has {', '.join(sorted(known)) or 'none'}")
