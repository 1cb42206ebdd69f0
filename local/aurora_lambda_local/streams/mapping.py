"""An event source mapping: which stream goes to which function, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from aurora_lambda_local.platform.errors import UsageError
from aurora_lambda_local.streams.filters import Test, parse_filters

RETENTION_SECONDS = 24 * 60 * 60
FOREVER = -1
POSITIONS = ("TRIM_HORIZON", "LATEST")
# Source: AWS Lambda API reference, CreateEventSourceMapping; developer guide, "Lambda parameters for Amazon DynamoDB
# event source mappings".
LIMITS: Mapping[str, tuple[int, int, int]] = {
    "batchSize": (100, 1, 10_000),
    "maximumBatchingWindowInSeconds": (0, 0, 300),
    "maximumRecordAgeInSeconds": (FOREVER, 60, 604_800),
    "maximumRetryAttempts": (FOREVER, 0, 10_000),
    "parallelizationFactor": (1, 1, 10),
    "tumblingWindowInSeconds": (0, 0, 900),
}


@dataclass(frozen=True)
class EventSourceMapping:
    """What the program asks for; times are in seconds, and -1 is without limit."""

    uuid: str
    name: str
    stream_arn: str
    function_arn: str
    starting_position: str
    batch_size: int
    batching_window: int
    maximum_age: int
    maximum_retries: int
    parallelization_factor: int
    tumbling_window: int
    bisect: bool
    report_item_failures: bool
    enabled: bool
    destination: str
    filters: tuple[str, ...]
    matches: Test

    @property
    def age_limit(self) -> int:
        """How old a record may become before it is given up: no stream keeps one longer than a day."""
        return RETENTION_SECONDS if self.maximum_age == FOREVER else min(self.maximum_age, RETENTION_SECONDS)


class MappingStatus(TypedDict):
    """The status of a mapping.

    `position` is the last sequence number that it is done with, `oldestRecordAge` the age in seconds of the oldest
    record after that (None when there is none), and `failures` how many failures wait in the destination.
    """

    state: Literal["Enabled", "Disabled", "Failed"]
    uuid: str
    function: str
    stream: str
    destination: str
    filters: list[str]
    position: str
    oldestRecordAge: float | None
    failures: int


def parse_mapping(uuid: str, name: str, inputs: Mapping[str, Any]) -> EventSourceMapping:
    """Return the mapping that a resource's inputs describe.

    Raises:
        UsageError: AWS would refuse it.
    """
    numbers = {key: _number(key, inputs.get(key)) for key in LIMITS}
    patterns = [str(each.get("pattern") or "{}") for each in (inputs.get("filterCriteria") or {}).get("filters") or ()]
    on_failure = (inputs.get("destinationConfig") or {}).get("onFailure") or {}
    position = str(inputs.get("startingPosition") or POSITIONS[0])
    if position not in POSITIONS:
        raise UsageError(f"startingPosition is {position!r}; for a DynamoDB stream it is {' or '.join(POSITIONS)}")
    return EventSourceMapping(
        uuid=uuid,
        name=name,
        stream_arn=str(inputs["eventSourceArn"]),
        function_arn=_function_arn(str(inputs["functionName"]), str(inputs["eventSourceArn"])),
        starting_position=position,
        batch_size=numbers["batchSize"],
        batching_window=numbers["maximumBatchingWindowInSeconds"],
        maximum_age=numbers["maximumRecordAgeInSeconds"],
        maximum_retries=numbers["maximumRetryAttempts"],
        parallelization_factor=numbers["parallelizationFactor"],
        tumbling_window=numbers["tumblingWindowInSeconds"],
        bisect=bool(inputs.get("bisectBatchOnFunctionError")),
        report_item_failures="ReportBatchItemFailures" in (inputs.get("functionResponseTypes") or ()),
        enabled=inputs.get("enabled") is not False,
        destination=str(on_failure.get("destinationArn") or ""),
        filters=tuple(patterns),
        matches=parse_filters(patterns),
    )


def _function_arn(function: str, stream_arn: str) -> str:
    """Return the ARN of a function that is given by name, as the stream is in its region and account."""
    if function.startswith("arn:"):
        return function
    region, account = stream_arn.split(":")[3:5]
    return f"arn:aws:lambda:{region}:{account}:function:{function}"


def _number(key: str, value: object) -> int:
    default, lowest, highest = LIMITS[key]
    number = default if value is None else int(float(str(value)))
    if number != default and not lowest <= number <= highest:
        allowed = f"{lowest} to {highest}{', or -1 for no limit' if default == FOREVER else ''}"
        raise UsageError(f"{key} is {number}; it can be {allowed}")
    return number
