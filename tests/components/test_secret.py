"""What a secret for functions asks AWS for."""

import json
import re
from typing import Any

import pulumi
import pytest

from aurora_lambda import Secret
from aurora_lambda.service import Service
from tests.components.conftest import Stack
from tests.components.recording import SECRET_MARK, Recording, record, statements
from tests.components.tokens import FUNCTION, SECRET, SECRET_VERSION, VPC_ENDPOINT_POLICY

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mail-login-a1b2c3"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
READ = ["secretsmanager:GetSecretValue"]


def secret(**args: Any) -> Recording:
    """Record a `Secret`, and export what its readers need."""
    return record(lambda: pulumi.export("reader", Secret("stripe-key", {**args}).reader))


def test_a_value_is_kept_by_secrets_manager_and_is_encrypted_in_the_state() -> None:
    """Whoever reads the stack's state would read the key of a payment service."""
    recording = secret(value="sk_live", kms_key_arn=KEY, recovery_days=7, tags={"project": "demo"})
    arn = recording.output(SECRET, "stripe-key", "arn")
    assert recording.inputs(SECRET, "stripe-key") == {
        "namePrefix": "aurora-lambda-dev-stripe-key-",
        "recoveryWindowInDays": 7,
        "kmsKeyId": KEY,
        "tags": {"project": "demo", "Name": "stripe-key"},
    }
    version = recording.resource(SECRET_VERSION, "stripe-key")
    assert version.inputs == {"secretId": arn, "secretString": "sk_live"}
    assert version.wire["secretString"] == {"4dabf18193072939515e22adb298388d": SECRET_MARK, "value": "sk_live"}
    via = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    assert recording.outputs["reader"] == {
        "environment": {"SECRET_STRIPE_KEY_ARN": arn},
        "policy_statements": [
            {"Effect": "Allow", "Action": READ, "Resource": [arn]},
            {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [KEY], "Condition": via},
        ],
        "subnet_ids": [],
        "security_group_ids": [],
    }


def test_a_key_that_is_taken_away_leaves_the_secret(stack: Stack) -> None:
    """The secret would stay under it, and its functions, which may use that key no longer, could not read it.

    Source: the provider's aws_secretsmanager_secret, whose update leaves out an empty key.
    """
    assert secret(value="sk_live").resource(SECRET, "stripe-key").replace_on_changes == ("kmsKeyId",)
    assert secret(value="sk_live", kms_key_arn=KEY).resource(SECRET, "stripe-key").replace_on_changes == ()
    login = stack(databaseAuth="password").resource(SECRET, "main-db-mysql-runtime")
    assert login.replace_on_changes == ("kmsKeyId",)


def test_a_secret_keeps_its_name_when_the_stack_gets_another(stack: Stack) -> None:
    """After `pulumi stack rename` the next `up` would delete it, and make one of the configuration's value.

    Whoever rotates it would find no secret of that ARN, and functions that still run would lose the role's password.
    """
    assert secret(value="sk_live").resource(SECRET, "stripe-key").ignore_changes == ("namePrefix",)
    login = stack(databaseAuth="password").resource(SECRET, "main-db-mysql-runtime")
    assert login.ignore_changes == ("namePrefix",)


def test_an_existing_secret_is_left_as_it_is() -> None:
    """A login that another team rotates would be taken over, or deleted with the stack."""
    recording = secret(arn=ARN)
    assert recording.of_type(SECRET) == recording.of_type(SECRET_VERSION) == []
    assert recording.outputs["reader"]["policy_statements"] == [{"Effect": "Allow", "Action": READ, "Resource": [ARN]}]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "give either a value or the arn of an existing secret"),
        ({"value": "s", "arn": ARN}, "give either a value or the arn of an existing secret"),
        (
            {"arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"},
            "arn is 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x'; must be the whole ARN of a secret, with"
            " the six characters at its end",
        ),
    ],
)
def test_what_names_no_secret_is_refused(args: dict[str, str], message: str) -> None:
    """A policy of half an ARN allows nothing: the function would fail at its first request."""
    with pytest.raises(ValueError, match=f"^Secret 'stripe-key': {re.escape(message)}$"):
        secret(**args)


@pytest.mark.parametrize("wrap", [str, pulumi.Output.secret])
@pytest.mark.parametrize(("value", "size"), [("", 0), ("\u00e9" * 32_769, 65_538)])
def test_a_value_that_secrets_manager_refuses_is_refused_in_words(wrap: Any, value: str, size: int) -> None:
    """`pulumi config set --secret key ""` ends in AWS's "You must provide either SecretString or SecretBinary"."""
    recording = Recording()
    with pytest.raises(
        ValueError, match=rf"^Secret 'stripe-key': value has {size} bytes; must be text of 1 to 65536 bytes$"
    ):
        record(lambda: Secret("stripe-key", {"value": wrap(value)}), recording=recording)
    assert recording.of_type(SECRET_VERSION) == []


def test_a_program_gives_a_secret_to_the_functions_that_read_it(stack: Stack) -> None:
    """A payment key would be in the handler's configuration, for everybody who may read that."""

    def program() -> None:
        service = Service()
        key = service.secret("stripe-key", pulumi.Output.secret("sk_live"))
        login = service.secret("mail-login", arn=ARN)
        service.extend_handler(access=[key.reader])
        service.function("report", access=[key.reader, login.reader])

    plain, recording = stack(), record(program, {"secretRecoveryDays": "7"})
    arn = recording.output(SECRET, "stripe-key", "arn")
    assert recording.inputs(SECRET, "stripe-key")["recoveryWindowInDays"] == 7
    assert statements(recording, "handler") == [
        *statements(plain, "handler"),
        {"Effect": "Allow", "Action": READ, "Resource": [arn]},
    ]
    variables = recording.inputs(FUNCTION, "report")["environment"]["variables"]
    assert (variables["SECRET_STRIPE_KEY_ARN"], variables["SECRET_MAIL_LOGIN_ARN"]) == (arn, ARN)
    for function in ("handler", "report", "migrations"):
        assert "sk_live" not in json.dumps(recording.inputs(FUNCTION, function))


def test_the_endpoint_of_the_network_lets_these_secrets_through() -> None:
    """With Aurora a function's read would be refused by the endpoint's own policy, though its role allows it."""
    given = json.dumps([{"name": "handler", "secrets": [f"mail-login={ARN}"]}])
    recording = record(lambda: Service().secret("stripe-key", "sk"), {"functions": given})
    policy = json.loads(recording.inputs(VPC_ENDPOINT_POLICY, "main-db")["policy"])["Statement"]
    assert policy[1:] == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": READ,
            "Resource": [ARN, recording.output(SECRET, "stripe-key", "arn")],
        }
    ]
