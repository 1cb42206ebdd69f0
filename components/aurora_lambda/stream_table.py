"""A DynamoDB table with its stream: one that is made, or one that exists."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, function_access
from aurora_lambda.arguments import KMS_KEY, Argument, choice, flag, map_input, text
from aurora_lambda.component import Component
from aurora_lambda.naming import Tags, physical_name
from aurora_lambda.transform import ChildTypes, Transform
from aurora_lambda_runtime.database.contract import table_variable

# Source: DynamoDB developer guide, "Naming rules".
TABLE_NAME_LENGTH = 255
KEY_TYPES = ("S", "N", "B")


class StreamTableArgs(TypedDict):
    """Which table it is, and what one that is made is like."""

    table_name: pulumi.Input[str]
    """The table, without the prefix."""
    name_prefix: NotRequired[str]
    """What the table's name begins with; empty for nothing. Default: the project and the stack, as in `demo-dev-`.
    Plain, since the whole name is checked first."""
    existing_table: NotRequired[bool]
    """Whether the table exists already. Its stream has to be enabled; the keys, the view type, the protection and the
    encryption below are then ignored. Plain, since it decides which resources there are."""
    partition_key: NotRequired[pulumi.Input[str]]
    """Name of the partition key."""
    partition_key_type: NotRequired[pulumi.Input[str]]
    """Type of the partition key: string, number or binary."""
    sort_key: NotRequired[pulumi.Input[str]]
    """Name of the sort key. Default: none."""
    sort_key_type: NotRequired[pulumi.Input[str]]
    """Type of the sort key: string, number or binary."""
    stream_view_type: NotRequired[pulumi.Input[str]]
    """What a record holds of the item."""
    point_in_time_recovery: NotRequired[pulumi.Input[bool]]
    """Whether the table can be restored to any second of the last 35 days."""
    deletion_protection: NotRequired[bool]
    """Whether AWS and Pulumi refuse to delete the table. Plain, since Pulumi has to know it first."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the table. Default: AWS's own keys."""
    former_streams: NotRequired[Sequence[str]]
    """Names of the `TableStream`s that may have made the table, as they did before `StreamTable`: it is taken over from
    the one that did. Plain, since Pulumi has to know it first."""
    tags: NotRequired[Tags]
    """Tags of the table."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "table_name": text(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, '_', '-' and '.'"),
    "name_prefix": text(r"[A-Za-z0-9_.-]*", "letters, digits, '_', '-' and '.'"),
    "existing_table": flag(default=False),
    "partition_key": text(r".{1,255}", "1 to 255 characters", "id"),
    "partition_key_type": choice(*KEY_TYPES, default="S"),
    "sort_key": text(r".{1,255}", "1 to 255 characters"),
    "sort_key_type": choice(*KEY_TYPES, default="S"),
    "stream_view_type": choice(
        "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY", default="NEW_AND_OLD_IMAGES"
    ),
    "point_in_time_recovery": flag(default=True),
    "deletion_protection": flag(default=False),
    "kms_key_arn": KMS_KEY,
}
CHILDREN: ChildTypes = {"table": aws.dynamodb.Table}


class StreamTable(Component[StreamTableArgs]):
    """A DynamoDB table with its stream, apart from who reads it: readers come and go, and the table stays.

    Makes: the table (`table` in `transform`), unless it exists. At rest: its storage (0.25 USD per GB-month).
    """

    table_name: pulumi.Output[str]
    """The table's name, prefix included."""
    table_arn: pulumi.Output[str]
    """The table's ARN."""
    stream_arn: pulumi.Output[str]
    """ARN of the stream."""
    kms_key_arn: pulumi.Output[str]
    """ARN of the key that encrypts table and stream; empty for AWS's own."""
    access: pulumi.Output[FunctionAccess]
    """What a function needs to read and write items: the variable `TABLE_<NAME>_NAME`, by the table's name without the
    prefix, and the right to."""

    def __init__(self, name: str, args: StreamTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the table, or take the existing one.

        Raises:
            ValueError: an argument that is not allowed, one attribute for both keys, a table's name that is too long,
                or, once the table is looked up, an existing table without a stream.
        """
        children = {} if args.get("existing_table") else CHILDREN
        super().__init__(name, args, opts, takes=StreamTableArgs, arguments=ARGUMENTS, children=children)
        prefix = self._args.get("name_prefix", physical_name(""))
        self._full_name = map_input(self._args["table_name"], lambda table: self._checked_name(prefix + table))
        self.table_name = pulumi.Output.from_input(self._full_name)
        if self._args["existing_table"]:
            self.table_arn, self.stream_arn, self.kms_key_arn = self._existing_table()
        else:
            table = self._new_table(opts.parent if opts else None)
            self.table_arn, self.stream_arn = table.arn, table.stream_arn
            self.kms_key_arn = pulumi.Output.from_input(self._args.get("kms_key_arn", ""))
        known = pulumi.Output.all(self._args["table_name"], self.table_name, self.table_arn, self.kms_key_arn)
        self.access = known.apply(lambda known: _access(*known))
        self._register_outputs()

    def _checked_name(self, name: str) -> str:
        if len(name) > TABLE_NAME_LENGTH:
            raise ValueError(
                f"StreamTable {self._name!r}: the table's name {name!r} has {len(name)} characters, and DynamoDB takes "
                f"{TABLE_NAME_LENGTH}; give a shorter name_prefix"
            )
        return name

    def _existing_table(self) -> tuple[pulumi.Output[str], pulumi.Output[str], pulumi.Output[str]]:
        """Return the ARNs of a table that exists, of its stream and of its key."""
        name = self._full_name
        table = aws.dynamodb.get_table_output(name=name, opts=pulumi.InvokeOutputOptions(parent=self))

        def check(stream_arn: str, name: str, enabled: bool) -> str:
            if not enabled:
                raise ValueError(
                    f"StreamTable {self._name!r}: the table {name} has no stream. Type: aws dynamodb update-table "
                    f"--table-name {name} --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
                )
            return stream_arn

        stream = pulumi.Output.all(table.stream_arn, name, table.stream_enabled).apply(lambda known: check(*known))
        key = table.server_side_encryption.apply(lambda encryption: (encryption and encryption.kms_key_arn) or "")
        return table.arn, stream, key

    def _sort_key(self) -> pulumi.Input[str]:
        """Return the name of the sort key, which is another than the partition key's."""

        def check(sort_key: str, partition_key: str) -> str:
            if sort_key == partition_key:
                raise ValueError(
                    f"StreamTable {self._name!r}: sort_key is {sort_key!r}, as partition_key is; give another"
                )
            return sort_key

        sort_key, partition_key = self._args["sort_key"], self._args["partition_key"]
        if isinstance(sort_key, str) and isinstance(partition_key, str):
            return check(sort_key, partition_key)
        return pulumi.Output.all(sort_key, partition_key).apply(lambda known: check(*known))

    def _new_table(self, parent: pulumi.Resource | None) -> aws.dynamodb.Table:
        args = self._args
        keys = [(args["partition_key"], args["partition_key_type"])]
        sort_key = self._sort_key() if "sort_key" in args else None
        if sort_key is not None:
            keys.append((sort_key, args["sort_key_type"]))
        key_arn = args.get("kms_key_arn")
        former = [
            pulumi.create_urn(
                name, "aws:dynamodb/table:Table", pulumi.create_urn(name, "aurora-lambda:index:TableStream", parent)
            )
            for name in args.get("former_streams", ())
        ]
        return aws.dynamodb.Table(
            self._name,
            name=self._full_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=args["partition_key"],
            range_key=sort_key,
            attributes=[{"name": name, "type": type_} for name, type_ in keys],
            stream_enabled=True,
            stream_view_type=args["stream_view_type"],
            point_in_time_recovery={"enabled": args["point_in_time_recovery"]},
            # Without is DynamoDB's own key. Left out, a table that had another one would keep it.
            server_side_encryption={"enabled": True, "kms_key_arn": key_arn} if key_arn else {"enabled": False},
            deletion_protection_enabled=args["deletion_protection"],
            tags=self._tags(self._name),
            opts=self._child("table", protect=args["deletion_protection"], aliases=former),
        )


def _access(name: str, full_name: str, arn: str, key_arn: str) -> FunctionAccess:
    return function_access({table_variable(name): full_name}, policies.use_items(arn, key_arn))
