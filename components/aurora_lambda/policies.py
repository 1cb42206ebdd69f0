"""IAM policy documents and statements: plain values, made without Pulumi."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

# Source: the managed policy AWSLambdaVPCAccessExecutionRole.
NETWORK_INTERFACE_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]

ITEM_ACTIONS = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
]


class Statement(TypedDict):
    """One statement of a policy document, in IAM's words."""

    Effect: Literal["Allow", "Deny"]
    Action: list[str]
    Resource: NotRequired[list[str]]
    Principal: NotRequired[Mapping[str, str]]
    Condition: NotRequired[Mapping[str, Mapping[str, str | list[str]]]]


def policy_document(statements: Sequence[Mapping[str, object]]) -> str:
    """Return a policy document of these statements, as JSON."""
    # Mappings that crossed the engine come in any order: unsorted, a policy would change from run to run.
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def allow(actions: Sequence[str], *resources: str) -> Statement:
    """Return a statement that allows `actions` on `resources`."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def trust(service: str, account_id: str) -> Statement:
    """Return what lets an AWS service assume a role, for resources of this account only.

    Source: IAM user guide, "Cross-service confused deputy prevention".
    """
    return {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Principal": {"Service": service},
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }


def pull_image(repository_arn: str) -> Statement:
    """Return what lets the Lambda service pull a repository's images, for functions of its account and region only.

    Source: AWS Lambda developer guide, "Create a Lambda function using a container image", Amazon ECR permissions.
    """
    partition, _, region, account = repository_arn.split(":")[1:5]
    return {
        "Effect": "Allow",
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Condition": {"StringLike": {"aws:SourceArn": f"arn:{partition}:lambda:{region}:{account}:function:*"}},
    }


def write_logs(log_group_arn: str) -> Statement:
    """Return what a function needs to write to its own log group, which exists already."""
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn.removesuffix(':*')}:*")


def write_traces() -> Statement:
    """Return what a function needs to send traces, which have no ARN.

    Source: AWS Lambda developer guide, "Visualize Lambda function invocations using AWS X-Ray".
    """
    return allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")


def attach_to_vpc() -> Statement:
    """Return what the Lambda service needs of a function's role to attach the function to subnets."""
    return allow(NETWORK_INTERFACE_ACTIONS, "*")


def deny_eni_to_code(function_arn: str) -> Statement:
    """Return what denies network interfaces to the function's own code; the Lambda service keeps its access.

    Source: AWS Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
    """
    return {
        "Effect": "Deny",
        "Action": NETWORK_INTERFACE_ACTIONS,
        "Resource": ["*"],
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [function_arn]}},
    }


def connect_to_aurora(cluster_arn: str, resource_id: str, db_role: str) -> Statement:
    """Return what logging in to an Aurora cluster as `db_role` with an IAM token needs.

    >>> connect_to_aurora("arn:aws:rds:eu-west-1:123456789012:cluster:main", "cluster-ABC", "app")["Resource"]
    ['arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABC/app']
    """
    partition, _, region, account = cluster_arn.split(":")[1:5]
    return allow(["rds-db:connect"], f"arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{db_role}")


def deny_outside_vpc(cluster_arn: str, vpc_id: str) -> Statement:
    """Return what denies logins to a DSQL cluster from anywhere but a VPC, the internet included.

    Source: Aurora DSQL user guide, "Common resource-based policy examples".
    """
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["dsql:DbConnect", "dsql:DbConnectAdmin"],
        "Resource": [cluster_arn],
        "Condition": {"StringNotEquals": {"aws:SourceVpc": vpc_id}},
    }


def read_secret(*secret_arns: str) -> Statement:
    """Return what reading secrets needs."""
    return allow(["secretsmanager:GetSecretValue"], *secret_arns)


def write_secret(*secret_arns: str) -> Statement:
    """Return what reading and writing the values of secrets needs."""
    return allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], *secret_arns)


def let_through(statement: Statement) -> Statement:
    """Return what an endpoint's policy lets through: what the statement allows, by whoever has the right to."""
    return {**statement, "Principal": {"AWS": "*"}}


def reach_anything(account_id: str) -> Statement:
    """Return what an endpoint's policy lets through: what roles and users of this account have the right to.

    Credentials of another account cannot carry anything out through it. Source: VPC user guide, "Control access to VPC
    endpoints using endpoint policies".
    """
    return {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["*"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"aws:PrincipalAccount": account_id}},
    }


def read_stream(stream_arn: str, key_arn: str) -> list[Statement]:
    """Return what reading a DynamoDB stream needs; listing streams is allowed for all or for none.

    `key_arn` is the key of the table; empty for AWS's own.
    Source: AWS Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", execution role permissions.
    """
    actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    return [
        allow(actions, stream_arn),
        allow(["dynamodb:ListStreams"], "*"),
        *use_key("dynamodb", key_arn, "kms:Decrypt"),
    ]


def use_items(table_arn: str, key_arn: str) -> list[Statement]:
    """Return what reading and writing the items of a DynamoDB table needs, encrypted by `key_arn`.

    Sources: Service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB"; DynamoDB
    developer guide, "DynamoDB encryption at rest: usage notes", permissions for a customer managed key.
    """
    keys = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    return [
        allow(ITEM_ACTIONS, table_arn, f"{table_arn}/index/*"),
        *use_key("dynamodb", key_arn, *keys),
    ]


def deliver_to_bucket(bucket_arn: str, key_arn: str) -> list[Statement]:
    """Return what Lambda needs of a function's role to put records into a bucket, encrypted by `key_arn`.

    Source: AWS Lambda developer guide, "Retaining discarded batch records", permissions for Amazon S3.
    """
    return [
        allow(["s3:ListBucket"], bucket_arn),
        allow(["s3:PutObject"], f"{bucket_arn}/*"),
        *use_key("s3", key_arn, "kms:GenerateDataKey"),
    ]


def deliver_to_queue(queue_arn: str, key_arn: str) -> list[Statement]:
    """Return what Lambda needs of a function's role to send messages to a queue, encrypted by `key_arn`.

    Source: Amazon SQS developer guide, "Key management", permissions of producers.
    """
    return [allow(["sqs:SendMessage"], queue_arn), *use_key("sqs", key_arn, "kms:Decrypt", "kms:GenerateDataKey")]


def receive_from_queue(queue_arn: str, key_arn: str) -> list[Statement]:
    """Return what Lambda needs of a function's role to take messages from a queue, encrypted by `key_arn`.

    Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS", execution role permissions.
    """
    actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    return [allow(actions, queue_arn), *use_key("sqs", key_arn, "kms:Decrypt")]


def deny_without_tls(bucket_arn: str) -> Statement:
    """Return what denies everybody a bucket over a connection without TLS."""
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["s3:*"],
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def use_key(service: str, key_arn: str, *actions: str) -> list[Statement]:
    """Return what using a customer's own key needs, through one AWS service only.

    The account's own keys, an empty `key_arn`, need nothing. Source: AWS KMS developer guide, "kms:ViaService".
    """
    if not key_arn:
        return []
    via = f"{service}.{key_arn.split(':')[3]}.amazonaws.com"
    return [{**allow(actions, key_arn), "Condition": {"StringEquals": {"kms:ViaService": via}}}]
