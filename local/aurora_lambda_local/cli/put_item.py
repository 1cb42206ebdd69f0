"""`aurora-lambda put-item`: put an item into a table of the stack that runs here."""

import argparse
import base64
import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError, ParamValidationError

from aurora_lambda.project import Project
from aurora_lambda.service.stream_settings import read_streams
from aurora_lambda_local.cli.configuration import StackConfiguration
from aurora_lambda_local.deployed.stack import program_name, select_stack
from aurora_lambda_local.platform.errors import LocalError, UsageError

TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})
EXAMPLE = '\'{"id": "1", "name": "Ann"}\''


def put_item(options: argparse.Namespace) -> None:
    """Put an item into a table, which goes by its whole name or as the stack's file has it.

    Raises:
        UsageError: no stack runs here, it has no such table, or the text is no item.
        LocalError: the table refuses the item.
    """
    item = parse_item(sys.stdin.read() if options.item == "-" else options.item)
    stack = select_stack(None)
    # A full disk here does not become less full by another try.
    client = stack.client("dynamodb", once=True)
    tables = [name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]]
    name = _whole_name(options.table, stack.name, tables)
    try:
        client.put_item(TableName=name, Item=item)
    except ParamValidationError as error:
        raise UsageError(f"the item is not of DynamoDB's types: {error}") from None
    except ClientError as error:
        raise LocalError(f"table {name} refuses the item: {error.response['Error'].get('Message')}") from None
    print(f"put into {name}")


def parse_item(text: str) -> dict[str, Any]:
    """Return an item in DynamoDB's types.

    A key is no map, so an item in which every value is a map of one type's name has its types already.

    Raises:
        UsageError: the text is not a JSON object, or holds a number that DynamoDB has not.
    """
    try:
        item = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        if not isinstance(item, dict) or not item:
            raise UsageError(f"an item is a JSON object with its key, not {text[:40]!r}; for example: {EXAMPLE}")
        if all(isinstance(value, dict) and len(value) == 1 and value.keys() <= TYPES for value in item.values()):
            return json.loads(text, object_hook=_with_bytes)
        return {name: TypeSerializer().serialize(value) for name, value in item.items()}
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UsageError(f"the item is not JSON that DynamoDB takes ({error}); for example: {EXAMPLE}") from None


def _refuse_constant(text: str) -> None:
    raise ValueError(f"there is no number {text}")


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value with its bytes, which are base64 in JSON."""
    if isinstance(value.get("B"), str):
        return {"B": base64.b64decode(value["B"], validate=True)}
    if isinstance(value.get("BS"), list):
        return {"BS": [base64.b64decode(each, validate=True) for each in value["BS"]]}
    return value


def _whole_name(table: str, stack: str, tables: Sequence[str]) -> str:
    project = Project.find().name
    prefix = f"{project}-{stack}-"
    streams, _ = read_streams(StackConfiguration(stack).values.get(f"{project}:streams", "[]"), prefix)
    names = {
        **{program_name(each): each for each in tables},
        **{each.removeprefix(prefix): each for each in tables},
        **{stream.table: stream.full_table(prefix) for stream in streams if stream.full_table(prefix) in tables},
        **{each: each for each in tables},
    }
    if table in names:
        return names[table]
    if tables:
        raise UsageError(f"stack {stack!r} has no table {table!r}; it has {', '.join(sorted(tables))}")
    raise UsageError(f"stack {stack!r} has no tables; type: aurora-lambda new-stream NAME {table}; aurora-lambda up")
