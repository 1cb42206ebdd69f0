"""IAM policy documents and statements: plain values, made without Pulumi."""

import json
from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]

ATTACH_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]

LAMBDA_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
        ],
    }
)


def policy(statements: Sequence[Statement]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Sequence[str], *resources: str) -> Statement:
    """A statement that allows `actions` on `resources`."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def write_logs(log_group_arn: str) -> Statement:
    """What a function needs to write to its own log group, which exists already."""
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn.removesuffix(':*')}:*")


def attach_to_vpc() -> Statement:
    """What the Lambda service needs of a function's role to attach it to subnets.

    Source: the managed policy AWSLambdaVPCAccessExecutionRole.
    """
    return allow(ATTACH_ACTIONS, "*")


def keep_from_code(function_arn: str) -> Statement:
    """The service keeps the right to attach the function; the function's own code does not get it.

    Source: AWS Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
    """
    return {
        "Effect": "Deny",
        "Action": ATTACH_ACTIONS,
        "Resource": ["*"],
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [function_arn]}},
    }


def connect_as(cluster_arn: str, resource_id: str, db_role: str) -> Statement:
    """What logging in to an Aurora cluster as `db_role` with an IAM token needs.

    >>> connect_as("arn:aws:rds:eu-west-1:123456789012:cluster:main", "cluster-ABC", "app")["Resource"]
    ['arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABC/app']
    """
    partition, _, region, account = cluster_arn.split(":")[1:5]
    return allow(["rds-db:connect"], f"arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{db_role}")


def read_secret(secret_arn: str) -> Statement:
    """What reading one secret needs."""
    return allow(["secretsmanager:GetSecretValue"], secret_arn)


def fill_secret(secret_arn: str) -> Statement:
    """What reading and writing the value of one secret needs."""
    return allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], secret_arn)


def use_key(key_arn: str | None, *actions: str) -> list[Statement]:
    """What using a customer's own key needs; the account's RDS and Secrets Manager keys need nothing."""
    return [allow(actions, key_arn)] if key_arn else []
