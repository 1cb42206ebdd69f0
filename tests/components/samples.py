"""Arguments with which each component makes all that it can."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from aurora_lambda import (
    Alarms,
    AuroraDatabase,
    Backup,
    Dashboard,
    DsqlDatabase,
    FunctionRole,
    ImageFunction,
    LambdaImage,
    Migration,
    Network,
    Queue,
    Schedule,
    Secret,
    StreamTable,
    TableStream,
)
from tests.components.recording import CONTEXT

Component = Callable[..., pulumi.ComponentResource]
ROLE_ARN = "arn:aws:iam::123456789012:role/r"
STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"
VPC = {"vpc_id": "vpc-0a", "subnet_ids": ["subnet-1", "subnet-2"], "function_security_group_id": "sg-1"}
ACCESS = {"environment": {}, "policy_statements": [], "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
CODE = {"image_uri": "repo@sha256:0", "access": [ACCESS]}
WATCHED = [
    {"name": "handler", "kind": "function", "id": "f", "limits": {"timeout": 15}},
    {"name": "database", "kind": "dsql", "id": "a" * 26},
]
EVERYTHING: Mapping[Component, list[dict[str, Any]]] = {
    Alarms: [{"watched": WATCHED, "email": "team@example.com"}],
    Dashboard: [{"watched": WATCHED, "alarm_arns": ["arn"]}],
    Network: [{"endpoints": ["sqs", "s3"]}],
    AuroraDatabase: [
        {"engine": "mysql", "auth": "password", "export_logs": True, "secrets_endpoint_id": "vpce-1", **VPC}
    ],
    DsqlDatabase: [{"function_role_arns": [], "peer_region": "eu-west-2", "witness_region": "eu-west-3", **VPC}],
    LambdaImage: [{"context": str(CONTEXT), "dockerfile": str(CONTEXT / "Dockerfile"), "target": "handler"}],
    FunctionRole: [{"network_interfaces": True}],
    ImageFunction: [
        {**CODE, "role": ROLE_ARN, "snap_start": True, "url_auth_type": "NONE", "keep_failed_events": True}
    ],
    Migration: [{**CODE, "drop_on_destroy": True}],
    Queue: [{"function_name": "f", "function_timeout": 60, "role": ROLE_ARN}],
    Schedule: [
        {
            "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "expression": "rate(1 hour)",
            "dead_letter_queue_arn": "arn:aws:sqs:eu-west-1:123456789012:q",
        }
    ],
    Secret: [{"value": "s3cret"}],
    Backup: [{"resource_arns": [STREAM]}],
    StreamTable: [{"table_name": "test-table"}],
    TableStream: [
        {"stream_arn": STREAM, "function_name": "f", "role": ROLE_ARN, "on_failure": destination}
        for destination in ("bucket", "queue")
    ],
}
