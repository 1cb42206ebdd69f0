"""What a deployment over a live stack must not do without being told: replace what holds its data."""

import json
from dataclasses import replace
from typing import Any

import pytest

from aurora_lambda.naming import physical_name
from aurora_lambda.service import Service
from aurora_lambda.service.configuration import read
from aurora_lambda.service.keys import SettingsError
from aurora_lambda.service.live_data import live_data, live_mistakes, live_warnings
from aurora_lambda.service.settings import Settings
from tests.components.conftest import Stack
from tests.components.recording import SECRET_MARK, record
from tests.components.tokens import CLUSTER, CLUSTER_INSTANCE, DSQL_CLUSTER, PARAMETER_GROUP, TABLE

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
VPC = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]'}
AURORA = "Aurora's cluster by a new and empty one"
CLUSTER_BY_ANOTHER = "the cluster by a new and empty one"
ALLOW = "to replace it: pulumi config set replaceData true"
CLUSTERS = {"mysql": CLUSTER, "postgres": CLUSTER, "dsql": DSQL_CLUSTER}
FREE = "pulumi config set deletionProtection false; pulumi up"
SHARED = {"dsqlClusterIdentifier": "abcdefghijklmnopqrstuvwxyz"}
TWO_REGIONS = {"dsqlPeerRegion": "eu-west-2", "dsqlWitnessRegion": "eu-west-3"}


def streams(**keys: str) -> dict[str, str]:
    return {"streams": str([{"name": "copy", "table": "items", **keys}]).replace("'", '"')}


def mistakes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return why deploying `after` is refused on the stack that `before` has left."""
    return live_mistakes(live_data(read(before, "dev"), {}), read(after, "dev"))


REPLACING: list[tuple[dict[str, str], dict[str, str], list[str]]] = [
    (
        {},
        {"kmsKeyArn": KEY},
        [
            f"kmsKeyArn is '{KEY}', and '' on the live stack: that replaces {AURORA}. To keep it: "
            f"pulumi config rm kmsKeyArn; {ALLOW}"
        ],
    ),
    (
        {},
        {"vpcCidr": "10.9.0.0/16"},
        [
            f"vpcCidr is '10.9.0.0/16', and '10.0.0.0/16' on the live stack: that replaces {AURORA}. To keep it: "
            f"pulumi config set vpcCidr 10.0.0.0/16; {ALLOW}"
        ],
    ),
    (
        VPC,
        {**VPC, "vpcId": "vpc-0b"},
        [
            f"vpcId is 'vpc-0b', and 'vpc-0a' on the live stack: that replaces {AURORA}. To keep it: "
            f"pulumi config set vpcId vpc-0a; {ALLOW}"
        ],
    ),
    *(
        (
            {"engine": engine},
            {"engine": engine, "schema": "shop"},
            [
                "schema is 'shop', and 'app' on the live stack: that replaces the database by an empty one, beside the"
                f" old one. To keep it: pulumi config set schema app; {ALLOW}"
            ],
        )
        for engine in CLUSTERS
    ),
    *(
        (
            {"engine": engine},
            {"engine": engine, "runtimeRole": "shop_app"},
            [
                "runtimeRole is 'shop_app', and '' on the live stack: that replaces the application's role, and the old"
                f" one keeps its rights. To keep it: pulumi config rm runtimeRole; {ALLOW}"
            ],
        )
        for engine in CLUSTERS
    ),
    (
        {"engine": "dsql"},
        {"engine": "dsql", **SHARED},
        [
            "dsqlClusterIdentifier is 'abcdefghijklmnopqrstuvwxyz', and '' on the live stack: that replaces the cluster"
            f" by another. To keep it: pulumi config rm dsqlClusterIdentifier; {ALLOW}"
        ],
    ),
    (
        {"engine": "dsql", **TWO_REGIONS},
        {"engine": "dsql", **TWO_REGIONS, "dsqlPeerRegion": "eu-central-1"},
        [
            f"dsqlPeerRegion is 'eu-central-1', and 'eu-west-2' on the live stack: that replaces {CLUSTER_BY_ANOTHER}."
            f" To keep it: pulumi config set dsqlPeerRegion eu-west-2; {ALLOW}"
        ],
    ),
    (
        streams(),
        streams(partitionKey="sku"),
        [
            "streams[0].partitionKey is 'sku', and 'id' on the live stack: that replaces the table by a new and empty"
            f" one. To keep it: pulumi config set --path 'streams[0].partitionKey' id; {ALLOW}"
        ],
    ),
    (
        streams(),
        streams(streamViewType="NEW_IMAGE"),
        [
            "streams[0].streamViewType is 'NEW_IMAGE', and 'NEW_AND_OLD_IMAGES' on the live stack: that replaces the"
            " table's stream by a new one, without what has not been delivered. To keep it: pulumi config set --path"
            f" 'streams[0].streamViewType' NEW_AND_OLD_IMAGES; {ALLOW}"
        ],
    ),
    (
        streams(tablePrefix="shop-"),
        streams(tablePrefix="store-"),
        [
            "streams[0].tablePrefix is 'store-', and 'shop-' on the live stack: that replaces the table by a new and"
            f" empty one. To keep it: pulumi config set --path 'streams[0].tablePrefix' shop-; {ALLOW}"
        ],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), REPLACING)
def test_a_key_that_swaps_data_for_nothing_is_refused_in_words(
    before: dict[str, str], after: dict[str, str], expected: list[str]
) -> None:
    """The service would go on with an empty database, and the old one would be deleted."""
    assert mistakes(before, after) == expected


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize(("before", "after", "expected"), [REPLACING[0], REPLACING[-1]])
def test_the_program_ends_with_what_is_refused(
    stack: Stack, before: dict[str, str], after: dict[str, str], expected: list[str], preview: bool
) -> None:
    """A preview would look harmless, or the deployment go on."""
    with pytest.raises(SettingsError) as refused:
        record(Service, after, live=stack(**before).outputs, preview=preview)
    assert refused.value.mistakes == expected


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after", "expected"), REPLACING)
def test_replace_data_lets_it_happen(
    stack: Stack, before: dict[str, str], after: dict[str, str], expected: list[str]
) -> None:
    """A database that somebody wants to replace could not be, or the key would have to stay."""
    allowed = record(Service, {**after, "replaceData": "true"}, live=stack(**before).outputs)
    assert record(Service, after, live=allowed.outputs).outputs["liveData"] == allowed.outputs["liveData"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"engine": "mysql"}, {"engine": "postgres"}),
        ({"engine": "postgres"}, {"engine": "dsql"}),
        ({"engine": "dsql"}, {"engine": "mysql"}),
        # Source: the provider's aws_db_subnet_group, which changes a group in place.
        (VPC, {**VPC, "subnetIds": '["subnet-2", "subnet-3"]'}),
        ({"engine": "dsql"}, {"engine": "dsql", "kmsKeyArn": KEY}),
        ({"engine": "dsql"}, {"engine": "dsql", **VPC}),
        ({"snapStart": "true"}, {"snapStart": "true", "maxCapacity": "4"}),
        (streams(), {}),
        ({}, streams()),
        ({"deletionProtection": "true"}, {}),
    ],
)
def test_what_keeps_the_data_or_says_what_it_does_is_free(
    stack: Stack, before: dict[str, str], after: dict[str, str]
) -> None:
    """A change that loses nothing would be refused, and people would leave the key that allows all of them set."""
    record(Service, after, live=stack(**before).outputs)


def test_nothing_that_holds_data_is_touched_before_the_check(stack: Stack) -> None:
    """A cluster could be replaced while the message that refuses it is on its way."""
    recording = stack(**streams())
    for type_, component in ((CLUSTER, "AuroraDatabase"), (TABLE, "StreamTable")):
        child = next(entry for entry in recording.registrations if entry.type == type_)
        parent = next(entry for entry in recording.registrations if entry.urn == child.parent)
        assert parent.type == f"aurora-lambda:index:{component}"
        assert [urn for urn in parent.dependencies if urn.endswith("::live")] != []


def test_a_secret_that_a_program_exports_hides_nothing_of_the_database(stack: Stack) -> None:
    """Pulumi takes all outputs for secret with one: the preview of an upgrade would say [secret] for each version."""
    live = stack(engine="postgres").outputs
    secret = {"4dabf18193072939515e22adb298388d": SECRET_MARK, "value": "sk_live"}
    plain, beside = (
        record(Service, {"engine": "postgres"}, live=outputs) for outputs in (live, {**live, "apiKey": secret})
    )
    assert beside.resource(CLUSTER, "main-db").wire["engineVersion"] == "17.10"
    assert {each.urn: each.wire for each in beside.registrations} == {
        each.urn: each.wire for each in plain.registrations
    }


def test_a_stack_that_gets_another_name_keeps_its_tables(stack: Stack) -> None:
    """After `pulumi stack rename` the next `up` would delete each table and make an empty one of the new name."""
    before = stack(**streams()).outputs
    with pytest.raises(SettingsError) as refused:
        record(Service, streams(), stack="prod", live=before)
    assert refused.value.mistakes == [
        "streams[0].tablePrefix is 'aurora-lambda-prod-', and 'aurora-lambda-dev-' on the live stack: that replaces the"
        " table by a new and empty one. To keep it: pulumi config set --path 'streams[0].tablePrefix'"
        f" aurora-lambda-dev-; {ALLOW}"
    ]
    kept = record(Service, streams(tablePrefix="aurora-lambda-dev-"), stack="prod", live=before)
    assert kept.inputs(TABLE, "aurora-lambda-dev-items")["name"] == "aurora-lambda-dev-items"


@pytest.mark.parametrize("preview", [False, True])
def test_a_live_stack_does_not_move_to_another_region_unasked(stack: Stack, preview: bool) -> None:
    """The service would go on in the other Region with an empty database, and the one with the data be deleted."""
    elsewhere = {"aws:index/getRegion:getRegion": {"region": "eu-central-1"}}
    with pytest.raises(SettingsError) as refused:
        record(Service, live=stack().outputs, lookups=elsewhere, preview=preview)
    assert refused.value.mistakes == [
        "aws:region is 'eu-central-1', and 'eu-west-1' on the live stack: that replaces the whole stack by a new and"
        f" empty one there. To keep it: pulumi config set aws:region eu-west-1; {ALLOW}"
    ]
    moved = record(Service, {"replaceData": "true"}, live=stack().outputs, lookups=elsewhere)
    assert moved.outputs["liveData"]["region"] == "eu-central-1"
    older = {"liveData": {key: value for key, value in stack().outputs["liveData"].items() if key != "region"}}
    assert record(Service, live=older).outputs["liveData"]["region"] == "eu-west-1"


def test_the_default_prefix_of_a_table_may_be_written_down_also_over_an_older_release() -> None:
    """A deployment that changes nothing about the table would be refused."""
    spelled = read(streams(tablePrefix=physical_name("")), "dev")
    before = live_data(read(streams(), "dev"), {})
    assert live_mistakes(before, spelled) == []
    before["tables"]["items"]["keys"]["tablePrefix"] = None
    assert live_mistakes(before, spelled) == []
    assert live_mistakes(before, read(streams(tablePrefix="shop-"), "dev")) != []


@pytest.mark.parametrize("change", [{"kmsKeyArn": KEY}, {"vpcId": "vpc-0b"}])
def test_a_cluster_of_others_is_replaced_by_no_key_of_a_new_one(change: dict[str, str]) -> None:
    """The change would be refused as one that empties the database, which it does not touch."""
    shared = {**VPC, "auroraClusterIdentifier": "shop-prod-main-db-1a2b"}
    assert mistakes(shared, {**shared, **change}) == []


@pytest.mark.parametrize("engine", ["mysql", "postgres", "dsql"])
@pytest.mark.parametrize("protection", [{"deletionProtection": "true"}, {}])
def test_an_engine_switch_that_protection_forbids_is_refused_with_the_order_that_works(
    engine: str, protection: dict[str, str]
) -> None:
    """Half of the stack would be switched, and each later `pulumi up` would fail at the old cluster."""
    alone = {"engine": "none", "streams": '[{"name": "copy", "table": "items", "database": false}]'}
    before = {"engine": engine, "deletionProtection": "true"}
    # Taken away in the same deployment it does not help: what the engine has recorded counts.
    assert mistakes(before, {**alone, **protection}) == [
        f"engine is 'none', and the live stack's {engine} database is protected: Pulumi would make the new half and"
        f" then refuse to delete the old one. Type: pulumi config set engine {engine}; {FREE};"
        " pulumi config set engine none; pulumi up"
    ]


def test_the_order_that_works_works(stack: Stack) -> None:
    """The message would send people round in circles."""
    first = stack(engine="dsql", deletionProtection="true")
    unprotected = record(Service, {"engine": "dsql"}, live=first.outputs)
    assert unprotected.resource(DSQL_CLUSTER, "main-db").protect is False
    assert record(Service, {"engine": "mysql"}, live=unprotected.outputs).outputs["engine"] == "mysql"


@pytest.mark.parametrize("protected", ["true", "false"])
@pytest.mark.parametrize(("engine", "key"), [("mysql", "auroraClusterIdentifier"), ("dsql", "dsqlClusterIdentifier")])
def test_a_stack_is_not_given_its_own_cluster_as_an_existing_one(engine: str, key: str, protected: str) -> None:
    """The message offered replaceData, with which Pulumi deletes the very cluster that somebody wants to keep."""
    before, own = {"engine": engine, "deletionProtection": protected, **VPC}, "abcdefghijklmnopqrstuvwxyz"
    live = {**live_data(read(before, "dev"), {}), "cluster": own}
    given = {"engine": engine, **VPC, key: own}
    assert live_mistakes(live, read(given, "dev")) == [
        f"{key} is '{own}', which is this stack's own: Pulumi would delete it. Type: pulumi config rm {key}; where it"
        " is no longer the stack's, as after pulumi state delete: pulumi config set replaceData true"
    ]
    assert live_mistakes(live, read({**given, "replaceData": "true"}, "dev")) == []


def test_the_cluster_of_the_deployment_before_is_known_by_its_endpoint(stack: Stack) -> None:
    """What is this stack's own would not be known."""
    live = stack().outputs
    own = live["databaseEndpoint"].partition(".")[0]
    given = {**VPC, "auroraClusterIdentifier": own}
    with pytest.raises(SettingsError) as refused:
        record(Service, given, live=live)
    assert f"auroraClusterIdentifier is {own!r}, which is this stack's own" in str(refused.value)


def test_a_protected_cluster_is_not_replaced_by_leave_alone() -> None:
    """Pulumi would refuse the replacement, in other words and without the order of commands."""
    replacing = {"kmsKeyArn": KEY, "replaceData": "true"}
    assert mistakes({"deletionProtection": "true"}, replacing) == [
        f"kmsKeyArn is '{KEY}', and '' on the live stack: that replaces {AURORA}, which is protected. Type: "
        f"pulumi config rm kmsKeyArn; {FREE}; pulumi config set kmsKeyArn {KEY}; pulumi config set replaceData true;"
        " pulumi up"
    ]


def test_a_protected_table_cannot_leave_the_program() -> None:
    """Each later `pulumi up` would fail at the table."""
    expected = [
        "streams makes the table 'items' no longer, and on the live stack it is protected: Pulumi would refuse to"
        " delete it. With its stream in streams type: pulumi config set deletionProtection false, the stream's own too;"
        " pulumi up; then deploy this configuration"
    ]
    assert mistakes(streams(deletionProtection="true"), {}) == expected
    protected = {"deletionProtection": "true"}
    assert mistakes({**streams(), **protected}, protected) == expected


def test_the_stream_of_a_protected_table_may_be_replaced_without_freeing_the_table() -> None:
    """The table would stand unprotected for a change that does not touch it."""
    protected = {"deletionProtection": "true"}
    [refused] = mistakes({**streams(), **protected}, {**streams(streamViewType="NEW_IMAGE"), **protected})
    assert refused.endswith(ALLOW)


def test_a_table_of_the_stacks_own_does_not_become_an_existing_one() -> None:
    """The table would be deleted with all its items, by a key that speaks of using it as it is."""
    theirs = {"streams": '[{"name": "copy", "table": "items", "existingTable": true}]'}
    assert mistakes(streams(), theirs) == [
        "streams[0].existingTable is true, and the table is this stack's own: Pulumi would delete it. Type: pulumi"
        " config rm --path 'streams[0].existingTable'; where it is no longer the stack's, as after pulumi state delete:"
        " pulumi config set replaceData true"
    ]
    assert mistakes(streams(), {**theirs, "replaceData": "true"}) == mistakes(theirs, theirs) == []
    another = '[{"name": "copy", "table": "items", "existingTable": true, "tablePrefix": ""}]'
    assert mistakes(streams(), {"streams": another}) == []


@pytest.mark.parametrize(
    ("streams_now", "index", "live"),
    [
        ([{"name": "feed", "table": "items", "function": "copy"}], 0, "copy"),
        (
            [
                {"name": "copy", "table": "items", "function": "send"},
                {"name": "send", "table": "items", "function": "copy"},
            ],
            0,
            "send",
        ),
    ],
)
def test_a_stream_whose_function_has_its_table_by_another_name_is_refused(
    streams_now: list[dict[str, Any]], index: int, live: str
) -> None:
    """Lambda refuses a second mapping while the first is there: each `pulumi up` would stop half way at a 409."""
    before = [{"name": "copy", "table": "items"}, {"name": "send", "table": "items"}]
    name, function = streams_now[index]["name"], streams_now[index]["function"]
    [first, *_] = mistakes({"streams": json.dumps(before)}, {"streams": json.dumps(streams_now)})
    assert first == (
        f"streams[{index}].name is {name!r}, and {live!r} on the live stack feeds the function {function!r} from the"
        " table 'items': Lambda maps a stream to a function once, and would refuse the second one. Type: pulumi config"
        f" set --path 'streams[{index}].name' {live}; for another name, first deploy without the stream"
    )


def test_a_stream_may_get_a_name_and_a_function_that_no_other_has() -> None:
    """What Lambda takes would be refused, also over an older release, which did not say what its streams feed."""
    renamed = {"streams": '[{"name": "feed", "table": "items"}]'}
    assert mistakes(streams(), renamed) == []
    older = live_data(read(streams(), "dev"), {})
    del older["mappings"]
    kept = '[{"name": "feed", "table": "items", "function": "copy"}]'
    assert live_mistakes(older, read({"streams": kept}, "dev")) == []


def test_a_dsql_stack_leaves_its_vpc_only_once_the_cluster_takes_logins_from_elsewhere() -> None:
    """The cluster's policy, which each deployment that fails leaves, would refuse the migration: no `up` would work."""
    before = {"engine": "dsql", **VPC}
    assert mistakes(before, {"engine": "dsql"}) == [
        "vpcId is '', and the live stack's cluster takes logins from 'vpc-0a' alone, until a deployment without has"
        " ended: it would refuse the migration. Type: pulumi config set vpcId vpc-0a, and subnetIds as they were;"
        " pulumi config set dsqlVpcOnly false; pulumi up; then deploy this configuration"
    ]
    assert mistakes({**before, "dsqlVpcOnly": "false"}, {"engine": "dsql"}) == []
    assert mistakes({**before, **SHARED}, {"engine": "dsql", **SHARED}) == []
    assert mistakes(before, {}) == []


@pytest.mark.parametrize("vpc", ["", "vpc-0b"])
def test_a_dsql_stack_that_moves_into_a_vpc_is_told_how_to_do_so_without_a_pause(vpc: str) -> None:
    """The cluster would refuse the functions that answer until they are updated, and nobody would have been told."""
    live = live_data(Settings(engine="dsql", publish_versions=False, vpc_id=vpc), {})
    inside = Settings(engine="dsql", publish_versions=False, vpc_id="vpc-0a")
    assert live_warnings(live, inside) == [
        "the cluster refuses the functions that still run outside of 'vpc-0a', until they are updated. To spare that,"
        " type: pulumi config set dsqlVpcOnly false; pulumi up; pulumi config rm dsqlVpcOnly; pulumi up"
    ]
    assert live_warnings(live | {"vpc": "vpc-0a"}, inside) == []
    assert live_warnings(live, replace(inside, dsql_vpc_only=False)) == []


def test_a_kept_repository_cannot_leave_the_program() -> None:
    """Each later `pulumi up` would fail at the migration runner's repository."""
    alone = {"engine": "none", "streams": '[{"name": "copy", "table": "items", "database": false}]'}
    assert mistakes({"forceDelete": "false"}, alone) == [
        "engine is 'none', and forceDelete false protects the migration runner's repository. Type: "
        "pulumi config set engine mysql; pulumi config set forceDelete true; pulumi up; pulumi config set engine none;"
        " pulumi up"
    ]


@pytest.mark.parametrize(
    ("before", "vpc"),
    [
        (Settings(engine="mysql"), "new"),
        (Settings(engine="dsql", vpc_id="vpc-0a", publish_versions=False, snap_start=True), "vpc-0a"),
    ],
)
def test_published_versions_that_hold_a_vpc_that_the_stack_leaves_are_told(before: Settings, vpc: str) -> None:
    """The deletion of the network would wait for interfaces of old versions, and fail after twenty minutes."""
    assert live_warnings(live_data(before, {}), Settings(engine="dsql")) == [
        f"the functions leave the VPC '{vpc}', which the versions that they have published hold: its deletion waits"
        " until, once the functions are updated, you type aurora-lambda prune-versions --keep 0 -s dev"
    ]
    unpublished = Settings(engine="mysql", publish_versions=False)
    assert live_warnings(live_data(unpublished, {}), Settings(engine="dsql", publish_versions=False)) == []


@pytest.mark.parametrize(("published", "gets"), [(False, ""), (True, "no longer ")])
def test_a_function_url_that_changes_is_told_before_it_does(published: bool, gets: str) -> None:
    """Whoever calls the service would find it gone, and the team would not know why."""
    before, after = (Settings(publish_versions=value) for value in (published, not published))
    assert live_warnings(live_data(before, {}), after) == [
        f"functionUrl becomes another one, since the handler gets {gets}published versions. To keep it: pulumi config"
        f" set publishVersions {str(published).lower()}"
    ]
    assert live_warnings(live_data(before, {}), before) == []


def test_a_new_version_of_this_project_leaves_a_live_database_at_its_minor_version(stack: Stack) -> None:
    """A `git pull` would upgrade the database of a live service, with a restart, and nobody would have asked."""
    live: dict[str, Any] = {"liveData": {**stack(engine="postgres").outputs["liveData"], "engineVersion": "16.4"}}
    kept = record(Service, {"engine": "postgres"}, live=live)
    assert kept.inputs(CLUSTER, "main-db")["engineVersion"] == "16.4"
    assert kept.inputs(CLUSTER, "main-db")["allowMajorVersionUpgrade"] is False
    assert kept.inputs(PARAMETER_GROUP, "main-db")["family"] == "aurora-postgresql16"
    assert kept.inputs(CLUSTER_INSTANCE, "main-db-1")["engineVersion"] == "16.4"
    assert kept.outputs["liveData"]["engineVersion"] == "16.4"
    asked = record(Service, {"engine": "postgres", "engineVersion": "17.10"}, live=live)
    assert asked.inputs(CLUSTER, "main-db")["engineVersion"] == "17.10"
    other = record(Service, {"engine": "mysql"}, live=live)
    assert other.inputs(CLUSTER, "main-db")["engineVersion"] == stack().inputs(CLUSTER, "main-db")["engineVersion"]


def test_tokens_are_taken_for_one_deployment_after_the_login_became_a_password(stack: Stack) -> None:
    """Functions that still run would be refused by the database until the new ones are deployed."""
    first = stack(databaseAuth="iam")
    second = record(Service, {"databaseAuth": "password"}, live=first.outputs)
    third = record(Service, {"databaseAuth": "password"}, live=second.outputs)
    tokens = [each.inputs(CLUSTER, "main-db")["iamDatabaseAuthenticationEnabled"] for each in (first, second, third)]
    assert tokens == [True, True, False]


def test_a_new_cluster_takes_no_tokens_for_a_login_to_another_engines(stack: Stack) -> None:
    """The deployment after a switch would change the cluster again, which here restarts it under running functions."""
    before = stack(engine="dsql").outputs
    after = record(Service, {"databaseAuth": "password"}, live=before)
    assert after.inputs(CLUSTER, "main-db")["iamDatabaseAuthenticationEnabled"] is False
