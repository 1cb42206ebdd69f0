"""The stack's one key: everything that keeps something is encrypted by it."""

import json

from aurora_lambda.service import Service
from tests.components.conftest import Stack
from tests.components.recording import Recording, record
from tests.components.tokens import (
    BUCKET_ENCRYPTION,
    CLUSTER,
    CLUSTER_INSTANCE,
    DSQL_CLUSTER,
    FUNCTION,
    LOG_GROUP,
    QUEUE,
    REPOSITORY,
    SECRET,
    TABLE,
)

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
VAULT = "aws:backup/vault:Vault"
CONFIG = {"kmsKeyArn": KEY, "streams": '[{"name": "copy-items", "table": "items"}]', "dailyBackupDays": "7"}


def program() -> None:
    """Register the service with a function, a queue and a secret of its own."""
    service = Service()
    service.function("report")
    service.queue("mail")
    service.secret("stripe-key", "s3cret")


def encrypted(recording: Recording, *, by: str) -> dict[str, list[str]]:
    """Return the names of the resources whose inputs have the key, or which could and have not, by their types."""
    kinds = {entry.type for entry in recording.registrations if KEY in json.dumps(dict(entry.inputs))}
    kinds -= {"aws:iam/rolePolicy:RolePolicy"}
    found: dict[str, list[str]] = {}
    for entry in recording.registrations:
        if entry.type in kinds and (KEY in json.dumps(dict(entry.inputs))) == (by == KEY):
            found.setdefault(entry.type, []).append(entry.name)
    return {kind: sorted(names) for kind, names in found.items()}


def test_one_key_encrypts_all_that_an_aurora_stack_keeps() -> None:
    """An audit would find logs, images or environments under a key that is not the company's."""
    recording = record(program, {**CONFIG, "databaseLogs": "true", "databaseAuth": "password"})
    functions = ["copy-items", "handler", "mail", "migrations", "report"]
    assert encrypted(recording, by=KEY) == {
        CLUSTER: ["main-db"],
        CLUSTER_INSTANCE: ["main-db-1"],
        SECRET: ["main-db-mysql-runtime", "stripe-key"],
        REPOSITORY: ["handler", "migrations"],
        FUNCTION: functions,
        LOG_GROUP: sorted([*functions, "main-db-mysql-error", "main-db-mysql-slowquery"]),
        QUEUE: ["mail", "mail-dead-letters"],
        TABLE: ["aurora-lambda-dev-items"],
        BUCKET_ENCRYPTION: ["copy-items-failures"],
        VAULT: ["backups"],
    }
    assert encrypted(recording, by="AWS") == {}
    assert recording.inputs(REPOSITORY, "handler")["encryptionConfigurations"] == [
        {"encryptionType": "KMS", "kmsKey": KEY}
    ]


def test_one_key_encrypts_all_that_a_dsql_stack_keeps() -> None:
    """An audit would find logs, images or environments under a key that is not the company's."""
    recording = record(program, {**CONFIG, "engine": "dsql"})
    assert encrypted(recording, by="AWS") == {}
    assert encrypted(recording, by=KEY)[DSQL_CLUSTER] == ["main-db"]


def test_a_live_repository_keeps_its_images(stack: Stack) -> None:
    """The key would make a new repository: versions that one can roll back to would lose their images."""
    resource = stack().resource(REPOSITORY, "handler")
    assert resource.inputs["encryptionConfigurations"] == [{"encryptionType": "AES256"}]
    assert resource.ignore_changes == ("encryptionConfigurations",)
