"""What a stack's resources are called in AWS: by project and stack, and by no two stacks alike."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from aurora_lambda.service import Service
from aurora_lambda.service.names import BARE_PATTERN, PATTERN, Names, name_mistakes
from aurora_lambda.service.settings import Settings
from tests.components.conftest import Stack
from tests.components.recording import Recording, record
from tests.components.tokens import ALIAS, LOG_GROUP

PREFIXED = {"pulumi:autonaming": f'{{"pattern": "{PATTERN}"}}'}
STREAMS = '[{"name": "copy-items", "table": "items"}]'
LONG = "a-stack-of-somebody-who-likes-words"
SHORTEN = "Type: pulumi config set --path pulumi:autonaming.pattern '${name}-${hex(7)}'"


def given_names(stack: str, function: str) -> set[tuple[str, str]]:
    """Return the names that the program itself gives, by type; the others end in random digits."""

    def program() -> None:
        Service().function(function)

    config = {"alarmEmail": "team@example.com", "dashboard": "true", "databaseLogs": "true", "databaseAuth": "password"}
    recording = record(program, config, stack)
    named = [
        (entry.type, str(entry.inputs.get(key)))
        for entry in recording.registrations
        for key in ("name", "dashboardName")
        if entry.inputs.get(key) and entry.type != ALIAS
    ]
    return {(type_, name) for type_, name in named if not name.startswith("/aws/rds/")}


def test_stacks_whose_names_run_together_share_no_resource() -> None:
    """The logs of two stacks would be in one group, and the second's deployment fail or take over what is there."""
    ours, theirs = given_names("dev", "blue-handler"), given_names("dev-blue", "report")
    assert (LOG_GROUP, "/aws/lambda/aurora-lambda/dev/blue-handler") in ours
    assert (LOG_GROUP, "/aws/lambda/aurora-lambda/dev-blue/handler") in theirs
    assert ours & theirs == set()


def test_a_live_stack_keeps_its_log_groups(stack: Stack) -> None:
    """An update of this project would delete all logs, since another name is another group."""
    assert stack().resource(LOG_GROUP, "handler").ignore_changes == ("name",)


@pytest.mark.parametrize(
    ("config", "mistakes"),
    [
        ({}, []),
        # What Pulumi calls resources by itself, and in place of a pattern that is too long.
        ({"pulumi:autonaming": f'{{"pattern": "{BARE_PATTERN}"}}'}, []),
        (
            PREFIXED,
            [
                f"the {kind} {name!r} would be called 'aurora-lambda-{LONG}-{name}-0000000', {length} characters, and"
                f" AWS takes {most}. Shorten the name, or do without project and stack in names. {SHORTEN}"
                for kind, name, length, most in (
                    ("function", "migrations", 68, 64),
                    ("function", "copy-items", 68, 64),
                    ("bucket", "copy-items-failures", 77, 63),
                    ("backup vault", "backups", 65, 50),
                )
            ],
        ),
    ],
)
def test_names_that_aws_would_refuse_are_said_all_at_once(config: Mapping[str, str], mistakes: list[str]) -> None:
    """A deployment would fail half way through, one name after the other."""
    recording = Recording()
    keys = {"streams": STREAMS, "dailyBackupDays": "35", **config}
    if not mistakes:
        record(Service, keys, LONG, recording=recording)
        return
    with pytest.raises(pulumi.RunError) as error:
        record(Service, keys, LONG, recording=recording)
    assert str(error.value).splitlines()[1:] == [f"  {mistake}" for mistake in mistakes]
    assert recording.registrations == []


def test_a_name_that_a_program_adds_is_measured_too() -> None:
    """It is the program's own functions that have long names."""

    def add(name: str, *, schedule: bool) -> None:
        service = Service()
        if schedule:
            service.schedule(name, "rate(1 hour)")
        else:
            service.function(name)

    longest = "f" * (64 - len("aurora-lambda-staging-eu--0000000"))
    for name, schedule in ((longest, True), (longest + "f", False)):
        with pytest.raises(pulumi.RunError, match="characters, and AWS takes 64"):
            record(lambda name=name, schedule=schedule: add(name, schedule=schedule), PREFIXED, "staging-eu")
    record(lambda: add(longest, schedule=False), PREFIXED, "staging-eu")


def test_letters_that_not_all_names_take_are_refused() -> None:
    """A parameter group or a bucket would be refused after the cluster's network is made."""
    with pytest.raises(pulumi.RunError) as error:
        record(Service, PREFIXED, "feature_x")
    assert str(error.value).splitlines()[1:] == [
        "  the stack 'feature_x' is in the names of resources; must be lower-case letters, digits and single hyphens,"
        f" as AWS takes them in all of those. Rename it, or do without. {SHORTEN}"
    ]
    assert Names("shop", "feature_x", BARE_PATTERN).full("handler") == "handler-0000000"
    record(Service, {}, "feature_x")


EXISTING_CLUSTER = {"aurora_cluster_identifier": "shared"}


@pytest.mark.parametrize(
    ("project", "settings", "mistakes"),
    [
        (
            "2fa",
            {},
            [f"RDS takes no name such as '2fa-dev-main-db-0000000', which begins with no letter. {SHORTEN}"],
        ),
        ("2fa", EXISTING_CLUSTER, []),
        ("2fa", {"engine": "dsql"}, []),
        (
            "sg",
            EXISTING_CLUSTER,
            [f"EC2 takes no security group's name such as 'sg-dev-main-db-0000000', which begins with sg-. {SHORTEN}"],
        ),
        ("sg", {"engine": "dsql"}, []),
        ("sga", {}, []),
    ],
)
def test_a_project_whose_name_begins_as_no_resource_may_is_told(
    project: str, settings: dict[str, Any], mistakes: list[str]
) -> None:
    """The deployment would fail half way through, at the database or at the first security group."""
    assert name_mistakes(Settings(**settings), Names(project, "dev", PATTERN)) == mistakes
    assert name_mistakes(Settings(**settings), Names(project, "dev", BARE_PATTERN)) == []
