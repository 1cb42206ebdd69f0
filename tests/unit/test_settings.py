# ruff: noqa: E501
"""How a stack's configuration is read, and how mistakes in it are told."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.service import regions
from aurora_lambda.service.configuration import ignored_keys, read, refresh_advice
from aurora_lambda.service.keys import SettingsError
from aurora_lambda.service.names import PATTERN
from aurora_lambda.service.reference import blocks, key_table, pulumi_block, with_block
from aurora_lambda.service.regions import RDS_ROOTS, trusted_regions
from aurora_lambda.service.settings import CONFIG_KEYS, Settings

ROOT = Path(__file__).parents[2]


def test_every_key_reaches_its_setting() -> None:
    """A configured value would silently be ignored."""
    config = {
        "engine": "postgres",
        "engineVersion": "17.10",
        "minCapacity": "0.5",
        "maxCapacity": "16",
        "subnetIds": '["subnet-1", "subnet-2"]',
        "vpcId": "vpc-0a",
        "handlerConcurrency": "20",
        "allowReset": "true",
        "logRetentionDays": "365",
        "kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0a1b-2c",
    }
    settings = read(config, "dev")
    assert settings == Settings(
        engine="postgres",
        engine_version="17.10",
        min_capacity=0.5,
        max_capacity=16,
        subnet_ids=("subnet-1", "subnet-2"),
        vpc_id="vpc-0a",
        handler_concurrency=20,
        allow_reset=True,
        log_retention_days=365,
        kms_key_arn="arn:aws:kms:eu-west-1:123456789012:key/0a1b-2c",
    )


def test_a_misspelt_key_is_refused_with_the_nearest_one() -> None:
    """A typo would leave a production stack unprotected."""
    with pytest.raises(SettingsError) as caught:
        read({"deletionProtecton": "true"}, "prod")
    assert str(caught.value) == (
        "stack 'prod' has 1 mistake in its configuration:\n"
        "  deletionProtecton is not a configuration key; did you mean 'deletionProtection'? "
        "remove it with: pulumi config rm deletionProtecton"
    )


def test_all_mistakes_are_reported_together() -> None:
    """Each attempt would find one more mistake."""
    with pytest.raises(SettingsError) as caught:
        read({"engine": "postgress", "handlerTimeout": "901", "minCapacity": "4", "frobnicate": "1"}, "dev")
    assert caught.value.mistakes == [
        "frobnicate is not a configuration key; remove it with: pulumi config rm frobnicate",
        "engine is 'postgress'; must be mysql, postgres, dsql or none. Type: pulumi config set engine postgres",
        "handlerTimeout is '901'; must be a whole number of seconds from 1 to 900",
        "minCapacity 4 is above maxCapacity 2",
    ]


@pytest.mark.parametrize(
    ("config", "mistakes"),
    [
        (
            {"engine": "dsql", "dsqlEndpoint": "false"},
            ["dsqlEndpoint false needs vpcId: without a VPC no endpoint is made"],
        ),
        (
            {"engine": "dsql", "dsqlPeerRegion": "eu-west-2"},
            ["dsqlPeerRegion and dsqlWitnessRegion go together: give both for a cluster in two Regions"],
        ),
        (
            {
                "engine": "dsql",
                "dsqlPeerRegion": "eu-west-2",
                "dsqlWitnessRegion": "eu-west-2",
                "kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0a1b",
            },
            [
                "kmsKeyArn is no multi-Region key (mrk-...), which a cluster in two Regions needs",
                "dsqlWitnessRegion is 'eu-west-2', as dsqlPeerRegion is: a cluster in two Regions needs three different"
                " ones",
            ],
        ),
        (
            {"engine": "dsql", "dsqlClusterIdentifier": "a" * 26, "deletionProtection": "true"},
            [
                "deletionProtection is for a new cluster, and dsqlClusterIdentifier names an existing one:"
                " remove one of the two"
            ],
        ),
        # Pulumi gives every key its default: nobody has set these.
        ({"engine": "dsql", "minCapacity": "0", "databaseAuth": "iam", "finalSnapshot": "true"}, []),
    ],
)
def test_keys_of_dsql_that_contradict_each_other_are_mistakes(config: dict[str, str], mistakes: list[str]) -> None:
    """AWS would refuse them half way through a deployment, or a cluster be other than it was asked for."""
    if not mistakes:
        assert read(config, "dev").engine == "dsql"
        return
    with pytest.raises(SettingsError) as caught:
        read(config, "dev")
    assert caught.value.mistakes == mistakes


@pytest.mark.parametrize(
    ("config", "mistake"),
    [
        ({"maxCapacity": "0.5"}, "maxCapacity is '0.5'; must be Aurora capacity units from 1 to 256 in steps of 0.5"),
        ({"minCapacity": "-1"}, "minCapacity is '-1'; must be Aurora capacity units from 0 to 256 in steps of 0.5"),
        ({"allowReset": "yes"}, "allowReset is 'yes'; must be true or false"),
        ({"handlerMemory": "12.5"}, "handlerMemory is '12.5'; must be a whole number of MB from 128 to 10240"),
        ({"logRetentionDays": "8"}, "logRetentionDays is '8'; must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, "
         "365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 days"),
        ({"schema": "drop table"}, "schema is 'drop table'; must be a lower-case name of letters, digits and _, at most "
         "32 characters, that no database server uses itself"),
        ({"subnetIds": "subnet-1", "vpcId": "vpc-0a"}, "subnetIds is 'subnet-1'; must be a list of strings. Type: pulumi config set --path 'subnetIds[0]' subnet-0a1b2c3d"),
        ({"subnetIds": "[" * 5000, "vpcId": "vpc-0a"}, f"subnetIds is {'[' * 5000!r}; must be a list of strings. Type: pulumi config set --path 'subnetIds[0]' subnet-0a1b2c3d"),
        ({"handlerTimeout": "\u0661\u0662"}, "handlerTimeout is '\u0661\u0662'; must be a whole number of seconds from 1 to 900"),
        ({"minCapacity": "\u0661"}, "minCapacity is '\u0661'; must be Aurora capacity units from 0 to 256 in steps of 0.5"),
        ({"engineVersion": "\u0661\u0667.1"}, "engineVersion is '\u0661\u0667.1'; must be RDS's version string, such as 17.10 or 8.0.mysql_aurora.3.12.0"),
        ({"subnetIds": '["subnet-1"]', "vpcId": "vpc-0a"}, "subnetIds names 1 subnet; Aurora needs subnets in at least two "
         "availability zones"),
        ({"subnetIds": '["subnet-1", "subnet-2", "subnet-1"]', "vpcId": "vpc-0a"}, "subnetIds[2] is 'subnet-1', as subnetIds[0] "
         "is. Type: pulumi config rm --path 'subnetIds[2]'"),
        ({"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]', "endpoints": '["s3"]'}, "endpoints has s3, which an existing VPC's own route tables need: make it there"),
        ({"endpoints": '["secretsmanager"]'}, """endpoints is '["secretsmanager"]'; must be a list of AWS services such as sqs; secretsmanager has an argument of its own"""),
        ({"secretsEndpoint": "false"}, "secretsEndpoint false needs vpcId: a new VPC has no other way to Secrets Manager"),
        ({"vpcId": "vpc-0a"}, "vpcId and subnetIds go together: give both to use an existing VPC, or neither for a new "
         "one"),
        ({"minCapacity": "2.5"}, "minCapacity 2.5 is above maxCapacity 2"),
        ({"engineVersion": "17.10"}, "engineVersion is '17.10', which is no version of mysql. Type: pulumi config set engineVersion 8.0.mysql_aurora.3.12.0"),
        ({"handlerConcurrency": "81"}, "handlerConcurrency 81 is more than the 80 connections that mysql has for functions with maxCapacity 2. Type: pulumi config set handlerConcurrency 80"),
        ({"engine": "postgres", "handlerConcurrency": "180"}, "handlerConcurrency 180 is more than the 179 connections that postgres has for functions with maxCapacity 2. Type: pulumi config set handlerConcurrency 179"),
        ({"functionUrlCors": '["example.com"]'}, "functionUrlCors is '[\"example.com\"]'; must be a list of origins, or *. Type: pulumi config set --path 'functionUrlCors[0]' https://example.com"),
        ({"kmsKeyArn": "alias/mine"}, "kmsKeyArn is 'alias/mine'; must be the ARN of a KMS key"),
        ({"vpcCidr": "10.0.0.0/8"}, "vpcCidr is '10.0.0.0/8'; must be an IPv4 range from /16 to /24, such as 10.0.0.0/16"),
        ({"vpcCidr": "999.999.999.0/16"}, "vpcCidr is '999.999.999.0/16'; must be an IPv4 range from /16 to /24, such as 10.0.0.0/16"),
        ({"vpcCidr": "10.0.5.0/16"}, "vpcCidr is '10.0.5.0/16'; must be an IPv4 range from /16 to /24, such as 10.0.0.0/16"),
        ({"schema": "mysql"}, "schema is 'mysql'; must be a lower-case name of letters, digits and _, at most "
         "32 characters, that no database server uses itself"),
        ({"runtimeRole": "pg_monitor"}, "runtimeRole is 'pg_monitor'; must be a lower-case name of letters, digits and _, at most "
         "32 characters, that no database server uses itself"),
        ({"functionUrlAuth": "none"}, "functionUrlAuth is 'none'; must be AWS_IAM or NONE"),
        ({"architecture": "amd64"}, "architecture is 'amd64'; must be arm64 or x86_64. "
         "Type: pulumi config set architecture arm64"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_before_anything_is_created(config: dict[str, str], mistake: str) -> None:
    """AWS would refuse it half way through a deployment, in its own words."""
    with pytest.raises(SettingsError) as caught:
        read(config, "dev")
    assert mistake in caught.value.mistakes


@pytest.mark.parametrize(
    "config",
    [
        {"minCapacity": "2", "maxCapacity": "2"},
        {"maxCapacity": "1"},
        {"handlerConcurrency": "80"},
        {"handlerConcurrency": "-1"},
        {"engine": "postgres", "engineVersion": "18"},
        {"functionUrlCors": '["*"]'},
        {"engineVersion": "", "vpcId": "", "subnetIds": "[]", "kmsKeyArn": ""},
    ],
)
def test_what_just_fits_is_taken(config: dict[str, str]) -> None:
    """A configuration that AWS would take could not be used."""
    read(config, "dev")


def test_a_region_whose_databases_could_not_be_trusted_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every connection would fail its TLS check once everything is deployed; what it says can be typed as it is."""
    roots = tmp_path / "a folder" / "rds.pem"
    roots.parent.mkdir()
    monkeypatch.setattr(regions, "RDS_ROOTS", shutil.copy(regions.RDS_ROOTS, roots))
    assert read({}, "dev", "eu-west-1") == Settings()
    # GovCloud has certificate authorities of its own, which are in no other bundle.
    for region, host in (("xx-west-9", "rds.amazonaws.com"), ("us-gov-west-1", "us-gov-west-1.rds.amazonaws.com")):
        with pytest.raises(SettingsError) as caught:
            read({}, "dev", region)
        assert caught.value.mistakes == [
            f"aws:region is {region!r}, and this version knows no certificate authority of RDS there. "
            f"Use a later version of aurora-lambda, or type: curl -o '{roots}' "
            f"https://truststore.pki.{host}/global/global-bundle.pem"
        ]
    with pytest.raises(SettingsError) as caught:
        read({}, "dev", "cn-north-1")
    assert caught.value.mistakes == [
        "aws:region is 'cn-north-1'; AWS in China has domain names and certificate authorities of its own, which this "
        "project does not know. Type: pulumi config set aws:region eu-west-1"
    ]


def test_a_bundle_as_aws_publishes_it_is_recognised(tmp_path: Path) -> None:
    """The remedy for a region that is missing would not work: AWS's file is certificates alone."""
    lines = RDS_ROOTS.read_text().splitlines(keepends=True)
    bundle = tmp_path / "global-bundle.pem"
    bundle.write_text("".join(line for line in lines if not line.startswith("Amazon RDS")))
    assert trusted_regions(bundle) == trusted_regions(RDS_ROOTS) >= {"eu-west-1", "us-east-1"}


def test_pulumi_knows_the_same_keys_and_defaults() -> None:
    """Else `pulumi config` would offer keys or defaults that the program does not have."""
    declared: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    # How Pulumi names resources is no key of the program.
    assert declared.pop("pulumi:autonaming") == {"value": {"pattern": PATTERN}}
    assert list(declared) == list(CONFIG_KEYS)
    as_configured = {key: _raw(entry["default"]) for key, entry in declared.items()}
    assert read(as_configured, "dev") == Settings()
    assert [key for key, entry in declared.items() if not entry.get("description") or not entry.get("type")] == []


@pytest.mark.parametrize(("file", "name", "block"), blocks(CONFIG_KEYS), ids=lambda value: value.partition("\n")[0])
def test_the_keys_are_documented_as_they_are_declared(file: str, name: str, block: str) -> None:
    """People would configure by a table that is out of date: `make config` writes it anew."""
    text = (ROOT / file).read_text()
    assert with_block(text, name, block) == text


def test_the_reference_tells_what_a_key_takes() -> None:
    """People would find the limits of a key by being refused."""
    assert (
        "| `autoPauseSeconds` | `300` | a whole number of seconds from 300 to 86400 "
        "| Idle time before the cluster pauses, where minCapacity is 0. |\n"
    ) in key_table(CONFIG_KEYS)
    assert (
        '  minCapacity:\n    type: string\n    default: "0"\n'
        '    description: "Capacity at rest; 0 lets the cluster pause. '
        'Takes Aurora capacity units from 0 to 256 in steps of 0.5."\n'
    ) in pulumi_block(CONFIG_KEYS)


def _raw(value: Any) -> str:
    """As Pulumi hands a value to a program."""
    if isinstance(value, bool):
        return str(value).lower()
    return "[]" if value == [] else str(value)


def stack_file(stack: str) -> dict[str, str]:
    """Return what a stack's file of this repository configures."""
    config = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key.partition(":")[2]: value for key, value in config.items() if key.startswith("aurora-lambda:")}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_deploys_in_a_new_account(stack: str) -> None:
    """AWS refuses to reserve any of a new account's ten instances, after the twenty minutes that a cluster takes."""
    settings = read(stack_file(stack), stack, "eu-west-1")
    assert settings.handler_concurrency == -1
    if stack == "prod":
        # What an account allows later.
        assert RDS_ENGINES[settings.engine].connections_for_functions(settings.max_capacity) >= 1000


def test_one_line_switches_the_engine_and_what_no_longer_counts_is_said() -> None:
    """A production stack's file would have to be edited before its engine can be switched; silence would mislead."""
    prod = stack_file("prod")
    assert "minCapacity" in prod
    settings = read({**prod, "engine": "dsql"}, "prod", "eu-west-1")
    said = ignored_keys(settings)
    assert "minCapacity means nothing on engine dsql, only on mysql and postgres: it is not used" in said
    assert {line.partition(" ")[0] for line in said} == {
        "engineVersion",
        "minCapacity",
        "maxCapacity",
        "instanceCount",
        "backupRetentionDays",
        "databaseLogs",
    }
    # Pulumi gives every key its default: nobody has set these.
    assert ignored_keys(read({"engine": "dsql", "minCapacity": "0", "databaseAuth": "iam"}, "dev")) == []


KEY = "arn:aws:kms:{}:123456789012:key/mrk-0a1b"
TOPIC = "arn:aws:sns:{}:123456789012:told"


@pytest.mark.parametrize(
    ("config", "mistakes"),
    [
        (
            {"engine": "dsql", "dsqlPeerRegion": "eu-west-1", "dsqlWitnessRegion": "us-east-1"},
            [
                "dsqlPeerRegion is 'eu-west-1', as aws:region is: a cluster in two Regions needs three different ones",
                "dsqlWitnessRegion is 'us-east-1', on another continent than 'eu-west-1': DSQL joins Regions of one"
                " alone",
            ],
        ),
        (
            {"kmsKeyArn": KEY.format("eu-west-2")},
            ["kmsKeyArn is in 'eu-west-2', and the stack in 'eu-west-1': must be one of the stack's Region"],
        ),
        (
            {"alarmTopicArn": TOPIC.format("us-east-1")},
            ["alarmTopicArn is in 'us-east-1', and the stack in 'eu-west-1': must be one of the stack's Region"],
        ),
        (
            {"streams": json.dumps([{"name": "a", "table": "items", "alarmTopicArn": TOPIC.format("us-east-1")}])},
            [
                "streams[0].alarmTopicArn is in 'us-east-1', and the stack in 'eu-west-1': must be one of the stack's"
                " Region"
            ],
        ),
        ({"engine": "dsql", "dsqlPeerRegion": "eu-west-2", "dsqlWitnessRegion": "eu-west-3"}, []),
        ({"kmsKeyArn": KEY.format("eu-west-1")}, []),
    ],
)
def test_what_lies_in_another_region_is_refused_before_anything_is_made(
    config: dict[str, str], mistakes: list[str]
) -> None:
    """AWS says so after twenty minutes, when half of the stack is there."""
    if not mistakes:
        read(config, "dev", "eu-west-1")
        return
    with pytest.raises(SettingsError) as caught:
        read(config, "dev", "eu-west-1")
    assert caught.value.mistakes == mistakes


@pytest.mark.parametrize(
    ("witness", "mistake"),
    [
        (
            "us-east-1",
            "dsqlWitnessRegion is 'us-east-1', on another continent than 'eu-west-1': DSQL joins Regions of one alone",
        ),
        (
            "eu-west-1",
            "dsqlWitnessRegion is 'eu-west-1', as dsqlPeerRegion is: a cluster in two Regions needs three different"
            " ones",
        ),
    ],
)
def test_two_other_regions_are_compared_where_the_own_one_is_not_known(witness: str, mistake: str) -> None:
    """With a Region that only the AWS profile names, AWS would say so when the first cluster is there."""
    with pytest.raises(SettingsError) as caught:
        read({"engine": "dsql", "dsqlPeerRegion": "eu-west-1", "dsqlWitnessRegion": witness}, "dev")
    assert caught.value.mistakes == [mistake]


@pytest.mark.parametrize(
    ("engine", "region"), [("dsql", "ca-west-1"), ("none", "il-central-1"), ("mysql", "eu-west-1")]
)
def test_rds_authorities_matter_only_where_rds_is_connected_to(engine: str, region: str) -> None:
    """A Region that works would be refused for certificates that nothing there uses."""
    streams = {"streams": json.dumps([{"name": "a", "table": "items", "database": False}])} if engine == "none" else {}
    assert read({"engine": engine, **streams}, "dev", region).engine == engine


@pytest.mark.parametrize(("options", "lines"), [("", 1), ("options: {refresh: always}\n", 0)])
def test_a_peered_cluster_asks_for_a_refresh(tmp_path: Path, options: str, lines: int) -> None:
    """Without one the provider would send the peering as it was before the clusters knew each other."""
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\n{options}")
    settings = read({"engine": "dsql", "dsqlPeerRegion": "eu-west-2", "dsqlWitnessRegion": "eu-west-3"}, "dev")
    advice = refresh_advice(settings, tmp_path)
    assert [line.partition(",")[0] for line in advice] == [
        "dsqlPeerRegion: add `options: {refresh: always}` to Pulumi.yaml"
    ] * lines
    assert refresh_advice(read({"engine": "dsql"}, "dev"), tmp_path) == []


@pytest.mark.parametrize(
    "tag", ["project=x", "stack=x", "Name=x", "Stack=x", "aws:x=y", "AWS:x=y", "team", "=x", "a*=b", "a" * 129 + "=b"]
)
def test_tags_that_the_stack_sets_itself_or_aws_refuses_are_refused(tag: str) -> None:
    """A resource would be counted to another project, or AWS refuse the first of them half way through."""
    with pytest.raises(SettingsError) as caught:
        read({"tags": json.dumps([tag])}, "dev")
    assert caught.value.mistakes == [
        f"tags is {json.dumps([tag])!r}; must be a list of KEY=VALUE without project, stack and Name, which the stack"
        " sets, and aws:, which is AWS's own. Type: pulumi config set --path 'tags[0]' team=payments"
    ]


def test_tags_that_aws_would_refuse_together_are_refused() -> None:
    """The roles would be refused after the images have been built."""
    assert read({"tags": '["team=a", "projects=b", "names="]'}, "dev").own_tags == {
        "team": "a",
        "projects": "b",
        "names": "",
    }
    with pytest.raises(SettingsError) as caught:
        read({"tags": json.dumps(["team=a", "Team=b", *(f"k{number}=v" for number in range(46))])}, "dev")
    assert caught.value.mistakes == [
        "tags are 48; must be at most 47: AWS takes 50, and the stack sets three",
        "tags has 'team' twice, or in another case: IAM takes one",
    ]
