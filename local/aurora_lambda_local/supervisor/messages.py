"""The JSON messages between the short-lived commands and the supervisor."""

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.state import ResourceLinks

if TYPE_CHECKING:
    # They import moto, which commands do without.
    from aurora_lambda_local.streams.mapping import MappingStatus
    from aurora_lambda_local.streams.queue_poller import QueueContents, QueueStatus
    from aurora_lambda_local.streams.schedule import ScheduleStatus

# Source: AWS Lambda developer guide, "Retain discarded records for a DynamoDB event source in Lambda".
FailureDocument = dict[str, Any]
# "restored": as before, but its process was gone. "same": left alone.
Change = Literal["created", "updated", "replaced", "restored", "same"]


class SupervisorInfo(TypedDict):
    """How to reach the supervisor, a digest of its code, its groups, and the console's address with its token."""

    pid: int
    port: int
    token: str
    code: str
    groups: list[int]
    console: str


class UpdateRequest(TypedDict):
    """Start an update of a stack; another stack that is up is suspended.

    `overrides` are the configuration keys that count for this update only, `shell` the variables of who asks.
    """

    stack: str
    shell: dict[str, str]
    region: str
    program_directory: str
    containers: bool
    overrides: list[str]


class UpdateStarted(TypedDict):
    """An update has started; `notices` are for the person who waits, `overrides` those of the update before."""

    notices: list[str]
    overrides: list[str]


class ResourceRequest(TypedDict):
    """Make one resource what the program says; `files` are those that the build of an image reads."""

    urn: str
    type: str
    name: str
    inputs: Inputs
    files: list[str]


class ResourceResult(TypedDict):
    """What became of a resource; `seconds` is how long that took; nothing runs for one that is only `recorded`."""

    id: str
    outputs: Outputs
    change: Change
    recorded: bool
    seconds: float
    notices: list[str]


class ProgramState(TypedDict):
    """What the run of a program depended on besides its images' files, as digests; `files` by their path.

    `modules` are those of the files that are the program's own code.
    """

    arguments: str
    packages: str
    modules: list[str]
    files: dict[str, str]


class FinishRequest(TypedDict):
    """End an update: delete the resources that are not in `urns`, and record the stack's outputs and links.

    `program` is None where the program may depend on something else, too.
    """

    urns: list[str]
    outputs: Outputs
    program: ProgramState | None
    links: dict[str, ResourceLinks]


class DeletedResource(TypedDict):
    """A resource that was deleted; nothing ran for one that was only `recorded`."""

    type: str
    name: str
    recorded: bool


class UpdateFinished(TypedDict):
    """An update has ended; `notices` are for the person who waits."""

    deleted: list[DeletedResource]
    notices: list[str]


class RepeatedResource(TypedDict):
    """What became of one resource of a repeated update; it failed where there is an `error`."""

    type: str
    name: str
    error: str
    result: ResourceResult | None


class RepeatedUpdate(TypedDict):
    """The resources that a repeated update has applied, how many others it left alone, and the stack's outputs."""

    resources: list[RepeatedResource]
    same: int
    outputs: Outputs


class FunctionStatus(TypedDict):
    """One function: `memorySize` in MB, `timeout` in seconds, `environments` as their number; its `newest` version."""

    name: str
    arn: str
    memorySize: int
    timeout: int
    environments: int
    version: str
    newest: str


class FunctionStart(TypedDict):
    """What starts a function by hand: its interpreter, the folder of its code, its handler and its environment."""

    python: str
    directory: str
    handler: str
    variables: dict[str, str]


class GivenUp(TypedDict):
    """What waits for somebody: of each mapping the documents of its failures, and of each queue its messages."""

    mappings: dict[str, list[FailureDocument]]
    queues: "dict[str, QueueContents]"


class StackStatus(TypedDict):
    """The status of the stack; functions, event source mappings, queues and schedules by their name in the program.

    `databaseUrl` holds the local server's password, which is stored nowhere.
    """

    stack: str
    region: str
    engine: str
    running: bool
    outputs: Outputs
    functions: dict[str, FunctionStatus]
    mappings: dict[str, "MappingStatus"]
    queues: dict[str, "QueueStatus"]
    schedules: dict[str, "ScheduleStatus"]
    lambdaEndpoint: str
    functionUrl: str
    awsEndpoint: str
    databaseUrl: str


def stopped_status(stack: str, outputs: Outputs) -> StackStatus:
    """Return the status of a stack of which nothing runs."""
    return {
        "stack": stack,
        "region": "",
        "engine": str(outputs.get("engine", "")),
        "running": False,
        "outputs": outputs,
        "functions": {},
        "mappings": {},
        "queues": {},
        "schedules": {},
        "lambdaEndpoint": "",
        "functionUrl": "",
        "awsEndpoint": "",
        "databaseUrl": "",
    }
