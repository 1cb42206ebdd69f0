"""Where passwords are kept, and who may reach them."""

import json
from fnmatch import fnmatchcase

from aurora_lambda import AuroraDatabase
from aurora_lambda.service import Service
from tests.components.conftest import Stack
from tests.components.recording import record, statements
from tests.components.tokens import (
    CLUSTER,
    CLUSTER_INSTANCE,
    FUNCTION,
    SECRET,
    VPC_ENDPOINT,
    VPC_ENDPOINT_POLICY,
)


def test_a_password_is_kept_in_a_secret_that_only_the_runner_writes(stack: Stack) -> None:
    """The password would pass through Pulumi's state, or the handler could change it."""
    recording = stack(databaseAuth="password")
    secret = recording.output(SECRET, "main-db-mysql-runtime", "arn")
    master = recording.output(CLUSTER, "main-db", "masterUserSecrets")[0]["secretArn"]
    assert recording.inputs(SECRET, "main-db-mysql-runtime") == {
        "namePrefix": "aurora-lambda-dev-main-db-runtime-",
        "description": "Login of the application's role in main-db; written by the migration runner",
        "recoveryWindowInDays": 0,
        "tags": {"project": "aurora-lambda", "stack": "dev", "Name": "main-db-mysql-runtime"},
    }
    assert recording.inputs(CLUSTER, "main-db")["iamDatabaseAuthenticationEnabled"] is False
    assert statements(recording, "handler") == [
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [secret]}
    ]
    assert statements(recording, "migrations") == [
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [master]},
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
            "Resource": [secret],
        },
    ]
    variables = recording.inputs(FUNCTION, "handler")["environment"]["variables"]
    assert (variables["SQL_MAIN_DB_AUTH"], variables["SQL_MAIN_DB_SECRET_ARN"]) == ("password", secret)


def test_a_key_of_ones_own_encrypts_everything_and_the_functions_may_use_it(stack: Stack) -> None:
    """Storage or secrets would use another key, or a function could not decrypt its login."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
    recording = stack(kmsKeyArn=key, databaseAuth="password")
    cluster = recording.inputs(CLUSTER, "main-db")
    assert (cluster["kmsKeyId"], cluster["masterUserSecretKmsKeyId"]) == (key, key)
    assert recording.inputs(CLUSTER_INSTANCE, "main-db-1")["performanceInsightsKmsKeyId"] == key
    assert recording.inputs(SECRET, "main-db-mysql-runtime")["kmsKeyId"] == key
    through_secrets = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    assert statements(recording, "handler")[-1] == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [key],
        "Condition": through_secrets,
    }
    assert statements(recording, "migrations")[-1] == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": [key],
        "Condition": through_secrets,
    }


def test_the_endpoint_lets_only_the_stacks_secrets_through(stack: Stack) -> None:
    """A hole in a function could carry secrets of other accounts through the endpoint."""
    recording = stack(databaseAuth="password")
    policy = recording.inputs(VPC_ENDPOINT_POLICY, "main-db")
    assert policy["vpcEndpointId"] == recording.id(VPC_ENDPOINT, "network-secretsmanager")
    assert json.loads(policy["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
            "Resource": [
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-*",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aurora-lambda-dev-*",
                # After `pulumi stack rename` it begins with another name.
                recording.output(SECRET, "main-db-mysql-runtime", "arn"),
            ],
        }
    ]


def two_databases() -> None:
    """Register a second database beside the service's, as docs/aws.md has it."""
    network = Service().network
    assert network is not None
    AuroraDatabase(
        "audit",
        {
            "engine": "postgres",
            "auth": "password",
            "vpc_id": network.vpc_id,
            "subnet_ids": network.subnet_ids,
            "function_security_group_id": network.function_security_group_id,
        },
    )


def test_a_second_databases_secrets_pass_the_endpoint_too() -> None:
    """Its migration runner would be refused the master user's password for as long as it runs: it has no other way."""
    recording = record(two_databases, {"databaseAuth": "password"})
    assert recording.of_type(VPC_ENDPOINT_POLICY) == ["main-db"]
    policy = json.loads(recording.inputs(VPC_ENDPOINT_POLICY, "main-db")["policy"])
    let_through = policy["Statement"][0]["Resource"]
    for database, engine in (("main-db", "mysql"), ("audit", "postgres")):
        master = recording.output(CLUSTER, database, "masterUserSecrets")[0]["secretArn"]
        login = recording.output(SECRET, f"{database}-{engine}-runtime", "arn")
        for arn in (master, login):
            assert [pattern for pattern in let_through if fnmatchcase(arn, pattern)] != []


def test_an_endpoint_of_others_keeps_its_policy(stack: Stack) -> None:
    """Other users of an existing VPC would be locked out of their secrets."""
    existing = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "secretsEndpoint": "false"}
    assert stack(**existing).of_type(VPC_ENDPOINT_POLICY) == []
