"""Daily backups of what AWS does not back up by itself."""

import json

import pytest

from aurora_lambda import Backup
from aurora_lambda.service import Service
from tests.components.conftest import Stack
from tests.components.recording import record
from tests.components.tokens import ALARM, DASHBOARD, DSQL_CLUSTER, ROLE, TABLE, TOPIC

VAULT, PLAN = "aws:backup/vault:Vault", "aws:backup/plan:Plan"
SELECTION, ATTACHMENT = "aws:backup/selection:Selection", "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
BOUNDARY = "arn:aws:iam::123456789012:policy/fence"
TAGS = {"project": "aurora-lambda", "stack": "dev", "Name": "backups"}
STREAMS = json.dumps(
    [
        {"name": "copy", "table": "items"},
        {"name": "count", "table": "items"},
        {"name": "old", "table": "elsewhere", "existingTable": True},
    ]
)
OLD = "arn:aws:dynamodb:eu-west-1:123456789012:table/elsewhere"
EXISTING = {"arn": OLD, "streamArn": f"{OLD}/stream/2026-01-01T00:00:00.000", "streamEnabled": True}
DAYS = {"dailyBackupDays": "35"}
POLICIES = ("backup", "restores")


def test_a_dsql_cluster_and_new_tables_are_backed_up_each_day() -> None:
    """A table dropped by mistake would be gone: DSQL has no backups of its own."""
    config = {"engine": "dsql", "streams": STREAMS, "kmsKeyArn": KEY, "permissionsBoundary": BOUNDARY, **DAYS}
    recording = record(Service, config, lookups={"aws:dynamodb/getTable:getTable": EXISTING})
    vault, plan = recording.resource(VAULT, "backups"), recording.inputs(PLAN, "backups")
    assert (vault.inputs, vault.retain_on_delete) == ({"kmsKeyArn": KEY, "forceDestroy": False, "tags": TAGS}, True)
    assert plan == {
        "rules": [
            {
                "ruleName": "daily",
                "targetVaultName": recording.output(VAULT, "backups", "name"),
                "schedule": "cron(0 5 * * ? *)",
                "lifecycle": {"deleteAfter": 35},
            }
        ],
        "tags": TAGS,
    }
    assert recording.inputs(SELECTION, "backups") == {
        "planId": recording.id(PLAN, "backups"),
        "iamRoleArn": recording.output(ROLE, "backups", "arn"),
        "resources": [
            recording.output(DSQL_CLUSTER, "main-db", "arn"),
            recording.output(TABLE, "aurora-lambda-dev-items", "arn"),
        ],
    }
    role = recording.inputs(ROLE, "backups")
    [trust] = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "backup.amazonaws.com"}
    assert (role["permissionsBoundary"], role["path"]) == (BOUNDARY, "/")
    policies = [recording.inputs(ATTACHMENT, f"backups-{does}")["policyArn"] for does in POLICIES]
    assert policies == [
        f"arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor{does}" for does in ("Backup", "Restores")
    ]
    assert recording.outputs["backupRoleArn"] == recording.output(ROLE, "backups", "arn")


def test_who_is_told_of_alarms_hears_of_a_backup_that_fails(stack: Stack) -> None:
    """A table would be gone that has had no copy for weeks, and nobody knew."""
    recording = stack(engine="dsql", alarmEmail="team@example.com", dashboard="true", **DAYS)
    told = recording.output(TOPIC, "alarms", "arn")
    assert recording.inputs(ALARM, "backups-failed") == {
        "alarmDescription": "backups-failed: a backup failed: the copies before it are the last",
        "namespace": "AWS/Backup",
        "metricName": "NumberOfBackupJobsFailed",
        "dimensions": {"BackupVaultName": recording.output(VAULT, "backups", "name")},
        "statistic": "Sum",
        "period": 3600,
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 0,
        "evaluationPeriods": 24,
        "datapointsToAlarm": 1,
        "treatMissingData": "notBreaching",
        "alarmActions": [told],
        "okActions": [told],
        "tags": {**TAGS, "Name": "backups-failed"},
    }
    body = json.loads(recording.inputs(DASHBOARD, "service")["dashboardBody"])
    assert [each["properties"]["title"] for each in body["widgets"] if each["type"] == "metric"][-1] == "Backups"
    assert "backups-failed" not in stack(engine="dsql", **DAYS).of_type(ALARM)


@pytest.mark.parametrize(
    "config",
    [
        {"engine": "mysql", **DAYS},
        {"engine": "dsql", "dsqlClusterIdentifier": "a" * 26, **DAYS},
        {"engine": "dsql"},
    ],
)
def test_nothing_is_made_where_nothing_is_to_be_backed_up(stack: Stack, config: dict[str, str]) -> None:
    """An empty plan would be refused by AWS, and another stack's cluster be backed up twice."""
    recording = stack(**config)
    assert recording.of_type(VAULT) + recording.of_type(PLAN) == []
    assert "backupVault" not in recording.outputs


def test_backups_go_with_the_stack_only_when_it_says_so(stack: Stack) -> None:
    """A destroy would fail at a vault that holds something, or take the last copy of the data with it.

    Without its role AWS Backup would keep and charge the copies in a vault that stays for ever.
    """
    for force in (True, False):
        recording = stack(engine="dsql", forceDestroy=str(force).lower(), **DAYS)
        assert recording.inputs(VAULT, "backups")["forceDestroy"] is force
        parts = [(VAULT, "backups"), (ROLE, "backups"), *((ATTACHMENT, f"backups-{does}") for does in POLICIES)]
        assert [recording.resource(*part).retain_on_delete for part in parts] == [not force] * 4


def test_a_schedule_that_aws_would_refuse_is_refused() -> None:
    """The deployment would fail half way."""
    with pytest.raises(ValueError, match="^Backup 'b': schedule is 'daily'; must be a cron expression of six fields$"):
        record(lambda: Backup("b", {"resource_arns": [], "schedule": "daily"}))
