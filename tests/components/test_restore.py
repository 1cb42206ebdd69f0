"""Aurora clusters that are made from the data of others."""

import pulumi
import pytest

from aurora_lambda import AuroraDatabase, AuroraDatabaseArgs
from aurora_lambda.existing_cluster import restored_from
from aurora_lambda.service import Service
from aurora_lambda.service.keys import SettingsError
from tests.components.conftest import Stack
from tests.components.recording import Recording, record
from tests.components.tokens import CLUSTER, CLUSTER_INSTANCE, FUNCTION

LOGINS_OFF = {"iamDatabaseAuthenticationEnabled": False}
RESTORE = {"restoreClusterIdentifier": "shop-prod-main-db-1a2b", "restoreTime": "2026-11-29T12:00:00Z"}


def test_a_cluster_is_made_from_a_snapshot(stack: Stack) -> None:
    """What a destroyed stack has left could not be used again."""
    cluster = stack(snapshotIdentifier="shop-final").inputs(CLUSTER, "main-db")
    assert (cluster["snapshotIdentifier"], "restoreToPointInTime" in cluster) == ("shop-final", False)
    # What RDS would keep of the snapshot's cluster otherwise.
    assert cluster["manageMasterUserPassword"] is True


@pytest.mark.parametrize(
    ("config", "point"),
    [
        (RESTORE, {"restoreToTime": "2026-11-29T12:00:00Z"}),
        ({"restoreClusterIdentifier": "shop-prod-main-db-1a2b"}, {"useLatestRestorableTime": True}),
    ],
)
def test_a_cluster_is_made_from_another_as_it_was(
    stack: Stack, config: dict[str, str], point: dict[str, object]
) -> None:
    """A table dropped at noon would be lost, though RDS has what was in it a minute before."""
    cluster = stack(**config).inputs(CLUSTER, "main-db")
    source = {"sourceClusterIdentifier": "shop-prod-main-db-1a2b", "restoreType": "full-copy"}
    assert cluster["restoreToPointInTime"] == {**source, **point}
    assert "snapshotIdentifier" not in cluster


@pytest.mark.parametrize("source", [{"snapshotIdentifier": "theirs"}, RESTORE])
def test_a_restored_cluster_keeps_its_sources_master_user_and_encryption(source: dict[str, str]) -> None:
    """The next `up` would replace it by its source's data again, and what was written since would be gone."""
    recording = Recording(answers={CLUSTER: {"masterUsername": "boss", "storageEncrypted": True}})
    record(Service, source, recording=recording)
    cluster = recording.inputs(CLUSTER, "main-db")
    assert [key for key in ("masterUsername", "storageEncrypted") if key in cluster] == []
    runner = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    assert runner["SQL_MAIN_DB_DB_ROLE"] == "boss"


@pytest.mark.parametrize(
    ("properties", "auth", "message"),
    [
        (
            {"storageEncrypted": False},
            "iam",
            "is not encrypted, as its source is not; give kms_key_id, kmsKeyArn in a stack's file, which encrypts it",
        ),
        (LOGINS_OFF, "iam", "takes no IAM tokens yet. Type once more: pulumi up"),
        (LOGINS_OFF, "password", ""),
    ],
)
def test_a_restored_cluster_is_used_once_it_is_as_asked(properties: dict[str, object], auth: str, message: str) -> None:
    """Data would be stored in the clear, or the handler be switched to a cluster that refuses its logins."""
    recording, config = Recording(answers={CLUSTER: properties}), {"snapshotIdentifier": "theirs", "databaseAuth": auth}
    if not message:
        record(Service, config, recording=recording)
        return
    with pytest.raises(pulumi.RunError) as error:
        record(Service, config, recording=recording)
    identifier = recording.output(CLUSTER, "main-db", "clusterIdentifier")
    assert str(error.value) == f"AuroraDatabase 'main-db': the restored cluster {identifier!r} {message}"


def test_without_a_source_a_cluster_is_new_and_its_groups_stay(stack: Stack) -> None:
    """A newer version of this project would replace live clusters by empty ones."""
    cluster = stack().inputs(CLUSTER, "main-db")
    given = ["snapshotIdentifier", "restoreToPointInTime", "preferredBackupWindow", "preferredMaintenanceWindow"]
    assert [key for key in given if key in cluster] == []


def test_backup_and_maintenance_are_at_the_hours_that_are_asked_for(stack: Stack) -> None:
    """A restart would come at the busiest hour."""
    recording = stack(backupWindow="03:00-03:30", maintenanceWindow="sun:04:00-sun:04:30")
    cluster = recording.inputs(CLUSTER, "main-db")
    assert cluster["preferredBackupWindow"] == "03:00-03:30"
    instance = recording.inputs(CLUSTER_INSTANCE, "main-db-1")
    assert {each["preferredMaintenanceWindow"] for each in (cluster, instance)} == {"sun:04:00-sun:04:30"}


def test_a_source_given_to_a_live_stack_is_refused_unless_it_may_replace_the_data(stack: Stack) -> None:
    """The live data would be replaced by older ones, also where the last deployment did not know the key."""
    live = stack().outputs["liveData"]
    keys = {name: value for name, value in live["keys"].items() if not name.startswith(("snapshot", "restore"))}
    for before in (live, {**live, "keys": keys}):
        with pytest.raises(SettingsError) as refused:
            record(Service, {"snapshotIdentifier": "shop-final"}, live={"liveData": before})
        assert refused.value.mistakes == [
            "snapshotIdentifier is 'shop-final', and '' on the live stack: that replaces Aurora's cluster by one from"
            " the snapshot. To keep it: pulumi config rm snapshotIdentifier; to replace it: pulumi config set"
            " replaceData true"
        ]


def test_sources_that_do_not_go_together_are_refused() -> None:
    """AWS would refuse them after the network has been made."""
    with pytest.raises(SettingsError) as refused:
        record(Service, {"snapshotIdentifier": "a", "restoreClusterIdentifier": "b"})
    assert refused.value.mistakes == [
        "snapshotIdentifier and restoreClusterIdentifier both say what the cluster is made from. Type: pulumi config rm"
        " restoreClusterIdentifier"
    ]
    with pytest.raises(SettingsError) as refused:
        record(Service, {"restoreTime": "2026-11-29T12:00:00Z"})
    assert refused.value.mistakes == [
        "restoreTime needs a cluster. Type: pulumi config set restoreClusterIdentifier IDENTIFIER"
    ]


def test_a_component_refuses_a_time_without_a_cluster_and_two_sources() -> None:
    """AWS would refuse them after the network has been made."""
    args: AuroraDatabaseArgs = {
        "engine": "mysql",
        "vpc_id": "vpc-0a",
        "subnet_ids": ["subnet-1"],
        "function_security_group_id": "sg-1",
    }
    with pytest.raises(ValueError, match="^AuroraDatabase 'db': restore_time needs restore_cluster_identifier$"):
        record(lambda: AuroraDatabase("db", {**args, "restore_time": "2026-11-29T12:00:00Z"}))
    with pytest.raises(ValueError, match="^AuroraDatabase 'db': snapshot_identifier and restore_cluster_identifier"):
        record(lambda: AuroraDatabase("db", {**args, "snapshot_identifier": "a", "restore_cluster_identifier": "b"}))


def test_nothing_new_is_among_what_replaces_a_clusters_groups() -> None:
    """A newer version of this project would replace the groups of live clusters, and the clusters with them."""
    assert restored_from({}) == []
    assert restored_from({"snapshot_identifier": "a"}) == ["a"]
