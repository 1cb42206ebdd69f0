"""What a stack's file gives to functions."""

import json
from typing import Any

import pulumi
import pytest

from aurora_lambda.service import Service, SettingsError
from tests.components.recording import Recording, record, statements
from tests.components.tokens import CLUSTER, FUNCTION

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mail-login-a1b2c3"
READ = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [ARN]}
PUT = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::reports/*"]}
STREAM = {"name": "items", "table": "items", "function": "copy-items"}


def settings(*entries: dict[str, Any], **config: str) -> dict[str, str]:
    """Return a configuration with these entries of `functions`."""
    return {"functions": json.dumps(entries), **config}


def program() -> None:
    """A service with a function of its own, which says a variable too."""
    service = Service()
    service.extend_handler(environment={"LOG_LEVEL": "info"})
    service.function("report", environment={"LOG_LEVEL": "info", "BUCKET": "reports"}, policy_statements=[PUT])


def pairs(*allowed: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return each action that statements allow, with one resource and the condition, in order."""
    return sorted(
        (action, resource, json.dumps(each.get("Condition")))
        for each in allowed
        for action in each["Action"]
        for resource in each["Resource"]
    )


@pytest.fixture(scope="module")
def plain() -> Recording:
    """The recording of the service whose file gives its functions nothing."""
    return record(program, {"streams": json.dumps([STREAM])})


@pytest.mark.parametrize("name", ["handler", "migrations", "report", "copy-items"])
def test_any_function_gets_variables_secrets_and_rights_from_the_stacks_file(plain: Recording, name: str) -> None:
    """What differs from stack to stack would have to be written into the program, with a branch for each stack."""
    streams = json.dumps([STREAM])
    entry = {
        "name": name,
        "environment": ["LOG_LEVEL=debug", "EMPTY=", "TEXT=a=b"],
        "secrets": [f"mail-login={ARN}"],
        "policyStatements": [PUT],
    }
    given = record(program, settings(entry, streams=streams))
    before = plain.inputs(FUNCTION, name)["environment"]["variables"]
    after = given.inputs(FUNCTION, name)["environment"]["variables"]
    own = {"LOG_LEVEL": "debug", "EMPTY": "", "TEXT": "a=b", "SECRET_MAIL_LOGIN_ARN": ARN}
    assert after == {**before, **own}
    added = [pair for pair in (*pairs(READ), *pairs(PUT)) if pair not in pairs(*statements(plain, name))]
    assert pairs(*statements(given, name)) == sorted([*pairs(*statements(plain, name)), *added])
    others = {"handler", "migrations", "report", "copy-items"} - {name}
    for other in others:
        assert given.inputs(FUNCTION, other) == plain.inputs(FUNCTION, other)
        assert statements(given, other) == statements(plain, other)


def test_a_function_that_the_stack_does_not_have_is_refused() -> None:
    """The report would go on without its secret, and nobody would know why."""
    recording = Recording()
    with pytest.raises(pulumi.RunError) as error:
        record(program, settings({"name": "handler"}, {"name": "reprot"}), recording=recording)
    assert str(error.value) == "functions[1].name is 'reprot', which the stack does not have; did you mean 'report'?"
    assert recording.of_type(CLUSTER) == []


def test_mistakes_are_reported_together_before_anything_is_made() -> None:
    """A typing error would cost a deployment each."""
    recording, there = Recording(), ARN.replace("eu-west-1", "us-east-1")
    entries = [
        {"nam": "handler"},
        {"name": "handler", "environment": ["AWS_REGION=x"]},
        {"name": "report", "secrets": ["mail-login=" + ARN[:-7]]},
        {"name": "report", "secrets": [f"mail-login={there}"], "policyStatements": [{"Effect": "Allow"}]},
    ]
    with pytest.raises(SettingsError) as error:
        record(program, settings(*entries), recording=recording)
    assert error.value.mistakes == [
        "functions[0].name is missing; must be at most 32 lower-case letters, digits and hyphens",
        "functions[0].nam is not a key of a function; did you mean 'name'?",
        "functions[1].environment is ['AWS_REGION=x']; must be a list of NAME=VALUE whose names neither Lambda nor the"
        " stack uses",
        f"functions[2].secrets is ['mail-login={ARN[:-7]}']; must be a list of NAME=ARN, each with a secret's whole"
        " ARN, such as stripe-key=arn:aws:secretsmanager:...",
        "functions[3].policyStatements[0] lacks Action and Resource",
        "functions[3].name is 'report' again: say all of a function in one entry",
        "functions[3].secrets has mail-login, which is in 'us-east-1', and the stack in 'eu-west-1': must be one of"
        " the stack's Region",
    ]
    assert recording.registrations == []
