"""One change of one item, as a DynamoDB stream reports it to a function.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, cast, get_args

from aurora_lambda_runtime.handler.streams.attributes import Item, decode_item
from aurora_lambda_runtime.payload import shorten

EventName = Literal["INSERT", "MODIFY", "REMOVE"]
ViewType = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
# A sequence number has 40 digits at most, and a stream's label is the moment it was enabled.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
SEQUENCE_DIGITS = 40
_STREAM_ARN = re.compile(r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/(?P<table>[\w.-]+)/stream/(?P<label>[\d:.T-]+)")
_SEQUENCE_NUMBER = re.compile(rf"[0-9]{{1,{SEQUENCE_DIGITS}}}")


class RecordError(ValueError):
    """What a function was sent is not a record of a DynamoDB stream."""


@dataclass(frozen=True)
class StreamRecord:
    """One change of one item.

    `new_image` is None where the item was removed, `old_image` where it is new, and each where the stream's view
    type leaves it out. `created_at` is approximate, to the second. `item_identifier` is the sequence number as the
    stream wrote it, by which a partial batch response names the record. `user_identity` says who made the change where
    that was DynamoDB itself, and `raw` is the record as Lambda delivers it.
    """

    event_id: str
    event_name: EventName
    table: str
    stream_enabled_at: datetime
    keys: Item
    new_image: Item | None
    old_image: Item | None
    sequence_number: int
    item_identifier: str
    created_at: datetime
    view_type: ViewType
    user_identity: Mapping[str, object] | None = None
    raw: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_expired(self) -> bool:
        """Whether DynamoDB removed the item because its time to live was over.

        Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
        """
        return bool(self.user_identity) and self.user_identity.get("principalId") == "dynamodb.amazonaws.com"

    @property
    def position(self) -> str:
        """Return a text that is greater for a later change of the same item, 67 characters long.

        Numbers start anew where a table's stream is disabled and enabled again, or the table is made again: the
        stream's own age comes first.
        """
        enabled_at = self.stream_enabled_at.strftime("%Y-%m-%dT%H:%M:%S.%f")
        return f"{enabled_at}/{self.sequence_number:0{SEQUENCE_DIGITS}}"


def parse_record(record: object) -> StreamRecord:
    """Return an element of an event's `Records`.

    Raises:
        RecordError: it is no record of a DynamoDB stream, or holds a value that DynamoDB does not have.
    """
    if not isinstance(record, dict):
        raise RecordError(f"a stream record is a JSON object, not {type(record).__name__}")
    try:
        return _parse(record)
    except (ValueError, OverflowError) as error:
        raise RecordError(f"stream record {record.get('eventID', 'without eventID')}: {error}") from None


def _parse(record: Mapping[str, object]) -> StreamRecord:
    change = _object(record, "dynamodb")
    arn = _text(record, "eventSourceARN", _STREAM_ARN)
    identifier = _text(change, "SequenceNumber", _SEQUENCE_NUMBER)[0]
    return StreamRecord(
        event_id=str(record.get("eventID", "")),
        event_name=cast(EventName, _choice(record, "eventName", get_args(EventName))),
        table=arn["table"],
        stream_enabled_at=datetime.fromisoformat(arn["label"]).replace(tzinfo=UTC),
        keys=decode_item(_object(change, "Keys")),
        new_image=decode_item(_object(change, "NewImage")) if "NewImage" in change else None,
        old_image=decode_item(_object(change, "OldImage")) if "OldImage" in change else None,
        sequence_number=int(identifier),
        item_identifier=identifier,
        created_at=_moment(change, "ApproximateCreationDateTime"),
        view_type=cast(ViewType, _choice(change, "StreamViewType", get_args(ViewType))),
        user_identity=_object(record, "userIdentity") if record.get("userIdentity") else None,
        raw=record,
    )


def _object(container: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = container.get(name)
    if not isinstance(value, dict):
        raise RecordError(f"{name} is {shorten(value)}; must be a JSON object")
    return value


def _text(container: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> re.Match[str]:
    value = container.get(name)
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RecordError(f"{name} is {shorten(value)}; must be the form {pattern.pattern}")
    return match


def _choice(container: Mapping[str, object], name: str, allowed: tuple[str, ...]) -> str:
    value = container.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise RecordError(f"{name} is {shorten(value)}; must be one of {', '.join(allowed)}")
    return value


def _moment(container: Mapping[str, object], name: str) -> datetime:
    value = container.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError(f"{name} is {shorten(value)}; must be seconds since 1970")
    return datetime.fromtimestamp(value, UTC)
