"""Aurora Serverless v2, MySQL or PostgreSQL, reachable from the functions alone."""

import json
from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from components import policies
from components.aurora_engines import IDLE_SECONDS, PROFILES, checked_auth, checked_engine
from components.naming import tagged
from components.rules import Rules
from lambda_images.database.contract import DEFAULT_PORTS, Auth, DatabaseSettings, RuntimeRole

MASTER_USERNAME = "dbadmin"
PERFORMANCE_INSIGHTS_DAYS = 7


class AuroraDatabaseArgs(TypedDict):
    """Where the cluster lives, who may reach it, and how it scales."""

    engine: str
    """`mysql` or `postgres`."""
    vpc_id: pulumi.Input[str]
    """The VPC."""
    subnet_ids: pulumi.Input[list[str]]
    """Subnets in at least two availability zones."""
    function_security_group_id: pulumi.Input[str]
    """The security group of the functions: the only one the database listens to."""
    engine_version: NotRequired[str]
    """RDS's version string. Default: a tested one. Minor versions are not raised behind your back."""
    schema: NotRequired[str]
    """The database the migration runner creates in the cluster. Default `app`."""
    runtime_role: NotRequired[str]
    """The database role of the application, which the migration runner creates. Default `app_runtime`."""
    auth: NotRequired[str]
    """How the application logs in: `iam` (a token, the default) or `password` (from a secret the runner fills)."""
    min_capacity: NotRequired[float]
    """Aurora capacity units at rest. Default 0: the cluster pauses."""
    max_capacity: NotRequired[float]
    """Aurora capacity units at most. Default 2; IAM logins want at least 1."""
    auto_pause_seconds: NotRequired[int]
    """Idle seconds before a pause, 300 to 86400. Default 300. Only with a `min_capacity` of 0."""
    instance_count: NotRequired[int]
    """Instances, the writer included. Default 1; 2 and more fail over in under a minute."""
    backup_retention_days: NotRequired[int]
    """Days of point-in-time recovery, 1 to 35. Default 7."""
    deletion_protection: NotRequired[bool]
    """Whether AWS refuses to delete the cluster. Default false."""
    final_snapshot: NotRequired[bool]
    """Whether deleting the cluster takes a snapshot first. Default true."""
    kms_key_id: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts storage and the master secret. Default: the account's RDS key."""
    performance_insights: NotRequired[bool]
    """Whether Performance Insights is on, with seven days kept (free). Default true."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags of every resource."""


class AuroraDatabase(pulumi.ComponentResource):
    """An encrypted Aurora Serverless v2 cluster, with a master password that RDS makes, keeps and rotates.

    Makes: `aws.rds.SubnetGroup`, `aws.rds.ClusterParameterGroup`, a security group that takes the engine's port from
    the functions' group only, `aws.rds.Cluster`, `aws.rds.ClusterInstance`s, and, under `auth="password"`, an empty
    `aws.secretsmanager.Secret` that the migration runner fills.
    At rest, paused, it costs its storage (0.10 USD per GB-month) and 0.40 USD a month for each secret.

    Raises:
        ValueError: an engine or a way to log in that there is not.
    """

    runtime: pulumi.Output[dict[str, Any]]
    """A `DatabaseAccess`, what the application gets: its own role, no right to change the schema. Known once the writer
    answers."""
    admin: pulumi.Output[dict[str, Any]]
    """A `DatabaseAccess`, what the migration runner gets: the master secret."""
    endpoint: pulumi.Output[str]
    """The writer endpoint, known once the writer answers."""
    identifier: pulumi.Output[str]
    """The cluster's identifier."""

    def __init__(self, name: str, args: AuroraDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aurora-lambda:index:AuroraDatabase", name, {}, opts)
        self._name, self._args = name, args
        self._engine = checked_engine(name, args["engine"])
        self._auth = checked_auth(name, args.get("auth", "iam"))
        self._port = DEFAULT_PORTS[self._engine]
        self._child = pulumi.ResourceOptions(parent=self)

        group = self._security_group()
        reachable = self._let_functions_in(group)
        cluster = self._cluster(group)
        instances = self._instances(cluster)
        self.endpoint = pulumi.Output.all(cluster.endpoint, instances[0].id, *reachable).apply(lambda all_: all_[0])
        self.identifier = cluster.cluster_identifier
        runtime_secret_arn = self._runtime_secret() if self._auth == "password" else pulumi.Output.from_input("")
        self.runtime = self._runtime_access(cluster, runtime_secret_arn)
        self.admin = self._admin_access(cluster, runtime_secret_arn)
        self.register_outputs(
            {"runtime": self.runtime, "admin": self.admin, "endpoint": self.endpoint, "identifier": self.identifier}
        )

    def _security_group(self) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            self._name,
            vpc_id=self._args["vpc_id"],
            description="Database: the port of the engine, from the functions.",
            revoke_rules_on_delete=True,
            tags=self._tags(self._name),
            opts=self._child,
        )

    def _let_functions_in(self, group: aws.ec2.SecurityGroup) -> list[pulumi.Output[str]]:
        functions, rules = self._args["function_security_group_id"], Rules(self, self._args.get("tags"))
        return [
            rules.let_in(
                f"{self._name}-from-functions", group.id, functions, self._port, f"{self._engine} from the functions"
            ),
            rules.let_out(
                f"{self._name}-functions-out", functions, group.id, self._port, f"{self._engine} to the database"
            ),
        ]

    def _cluster(self, group: aws.ec2.SecurityGroup) -> aws.rds.Cluster:
        args, parameters = self._args, self._parameter_group()
        final_snapshot = args.get("final_snapshot", True)
        return aws.rds.Cluster(
            self._name,
            engine=PROFILES[self._engine].rds_engine,
            engine_version=self._engine_version,
            # An upgrade happens when `engine_version` says so, and only then.
            allow_major_version_upgrade=True,
            port=self._port,
            master_username=MASTER_USERNAME,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=args.get("kms_key_id"),
            iam_database_authentication_enabled=self._auth == "iam",
            db_subnet_group_name=self._subnet_group().name,
            vpc_security_group_ids=[group.id],
            db_cluster_parameter_group_name=parameters.name,
            serverlessv2_scaling_configuration=self._scaling(),
            storage_encrypted=True,
            kms_key_id=args.get("kms_key_id"),
            backup_retention_period=args.get("backup_retention_days", 7),
            copy_tags_to_snapshot=True,
            deletion_protection=args.get("deletion_protection", False),
            skip_final_snapshot=not final_snapshot,
            # The group's generated name is another in each life of the cluster, so no two snapshots share a name.
            final_snapshot_identifier=parameters.name.apply(lambda name: f"{name}-final") if final_snapshot else None,
            # What `pulumi up` reports as done is done, not left to the next maintenance window.
            apply_immediately=True,
            tags=self._tags(self._name),
            # Protected here too: else a destroy would take the functions down before AWS refuses to delete the cluster.
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.get("deletion_protection", False)),
        )

    def _parameter_group(self) -> aws.rds.ClusterParameterGroup:
        profile = PROFILES[self._engine]
        return aws.rds.ClusterParameterGroup(
            self._name,
            family=profile.family(self._engine_version),
            description=f"{self._name}: TLS only, idle connections closed after {IDLE_SECONDS} s",
            parameters=[{"name": name, "value": value} for name, value in sorted(profile.parameters.items())],
            tags=self._tags(self._name),
            opts=self._replaced_with_the_cluster(),
        )

    def _subnet_group(self) -> aws.rds.SubnetGroup:
        """RDS moves no subnet group to another VPC: it is made anew there, and the cluster with it."""
        return aws.rds.SubnetGroup(
            self._name,
            subnet_ids=self._args["subnet_ids"],
            tags=self._tags(self._name),
            opts=self._replaced_with_the_cluster(),
        )

    def _replaced_with_the_cluster(self) -> pulumi.ResourceOptions:
        trigger = [self._args["vpc_id"], self._args.get("kms_key_id") or ""]
        return pulumi.ResourceOptions(parent=self, replacement_trigger=pulumi.Output.all(*trigger))

    def _scaling(self) -> aws.rds.ClusterServerlessv2ScalingConfigurationArgs:
        minimum = self._args.get("min_capacity", 0)
        return aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
            min_capacity=minimum,
            max_capacity=self._args.get("max_capacity", 2),
            seconds_until_auto_pause=self._args.get("auto_pause_seconds", 300) if minimum == 0 else None,
        )

    def _instances(self, cluster: aws.rds.Cluster) -> list[aws.rds.ClusterInstance]:
        insights = self._args.get("performance_insights", True)
        return [
            aws.rds.ClusterInstance(
                f"{self._name}-{number}",
                cluster_identifier=cluster.cluster_identifier,
                engine=aws.rds.EngineType(PROFILES[self._engine].rds_engine),
                engine_version=cluster.engine_version,
                apply_immediately=True,
                instance_class="db.serverless",
                publicly_accessible=False,
                auto_minor_version_upgrade=False,
                performance_insights_enabled=insights,
                performance_insights_retention_period=PERFORMANCE_INSIGHTS_DAYS if insights else None,
                performance_insights_kms_key_id=self._args.get("kms_key_id") if insights else None,
                promotion_tier=min(number - 1, 1),
                tags=self._tags(f"{self._name}-{number}"),
                opts=self._child,
            )
            for number in range(1, int(self._args.get("instance_count", 1)) + 1)
        ]

    def _runtime_secret(self) -> pulumi.Output[str]:
        return aws.secretsmanager.Secret(
            f"{self._name}-runtime",
            description=f"Login of the application's role in {self._name}; written by the migration runner",
            recovery_window_in_days=0,
            kms_key_id=self._args.get("kms_key_id"),
            tags=self._tags(f"{self._name}-runtime"),
            opts=self._child,
        ).arn

    def _runtime_access(
        self, cluster: aws.rds.Cluster, secret_arn: pulumi.Output[str]
    ) -> pulumi.Output[dict[str, Any]]:
        environment = self._environment(cluster, self._runtime_role, self._auth, secret_arn)
        statements = pulumi.Output.all(
            cluster.arn, cluster.cluster_resource_id, secret_arn, self._args.get("kms_key_id")
        ).apply(lambda values: json.dumps(self._runtime_statements(*values)))
        return self._access(environment, statements)

    def _runtime_statements(
        self, cluster_arn: str, resource_id: str, secret_arn: str, key: str | None
    ) -> list[policies.Statement]:
        if self._auth == "password":
            return [policies.read_secret(secret_arn), *policies.use_key(key, "kms:Decrypt")]
        return [policies.connect_as(cluster_arn, resource_id, self._runtime_role)]

    def _admin_access(self, cluster: aws.rds.Cluster, secret_arn: pulumi.Output[str]) -> pulumi.Output[dict[str, Any]]:
        master_secret_arn = cluster.master_user_secrets.apply(lambda secrets: cast(str, secrets[0].secret_arn))
        own = self._environment(cluster, MASTER_USERNAME, "password", master_secret_arn)
        role = secret_arn.apply(
            lambda secret_arn: RuntimeRole(self._runtime_role, self._auth, secret_arn).to_environment(self._name)
        )
        environment = pulumi.Output.all(own, role).apply(lambda both: {**both[0], **both[1]})
        statements = pulumi.Output.all(master_secret_arn, secret_arn, self._args.get("kms_key_id")).apply(
            lambda values: json.dumps(_admin_statements(*values))
        )
        return self._access(environment, statements)

    def _environment(
        self, cluster: aws.rds.Cluster, db_role: str, auth: Auth, secret_arn: pulumi.Output[str]
    ) -> pulumi.Output[dict[str, str]]:
        schema = self._args.get("schema", "app")
        return pulumi.Output.all(
            self.endpoint, cluster.port, cluster.cluster_identifier, cluster.arn, secret_arn
        ).apply(
            lambda values: DatabaseSettings(
                name=self._name,
                engine=self._engine,
                endpoint=values[0],
                port=int(values[1]),
                schema=schema,
                db_role=db_role,
                auth=auth,
                identifier=values[2],
                arn=values[3],
                secret_arn=values[4],
            ).to_environment()
        )

    def _access(
        self, environment: pulumi.Output[dict[str, str]], statements: pulumi.Output[str]
    ) -> pulumi.Output[dict[str, Any]]:
        return pulumi.Output.all(
            environment=environment,
            statements=statements,
            subnets=self._args["subnet_ids"],
            groups=[self._args["function_security_group_id"]],
        ).apply(dict)

    @property
    def _engine_version(self) -> str:
        return self._args.get("engine_version", PROFILES[self._engine].version)

    @property
    def _runtime_role(self) -> str:
        return self._args.get("runtime_role", "app_runtime")

    def _tags(self, name: str) -> pulumi.Output[dict[str, str]]:
        return tagged(self._args.get("tags"), name)


def _admin_statements(master_secret_arn: str, runtime_secret_arn: str, key: str | None) -> list[policies.Statement]:
    fill = [policies.fill_secret(runtime_secret_arn)] if runtime_secret_arn else []
    return [
        policies.read_secret(master_secret_arn),
        *fill,
        *policies.use_key(key, "kms:Decrypt", "kms:GenerateDataKey"),
    ]
