"""Aurora Serverless v2, MySQL or PostgreSQL, reachable from the functions alone."""

from typing import cast

import pulumi
import pulumi_aws as aws

from aurora_lambda import existing_cluster
from aurora_lambda.access import FunctionAccess
from aurora_lambda.aurora_args import ARGUMENTS, AuroraDatabaseArgs, check_together, scaling
from aurora_lambda.aurora_engines import IDLE_SECONDS, LIFECYCLE_SUPPORT, RDS_ENGINES
from aurora_lambda.component import Component, known_after
from aurora_lambda.database_access import MASTER_USERNAME, AuroraDetails
from aurora_lambda.naming import physical_name, rds_identifier_prefix
from aurora_lambda.secret import secret_options
from aurora_lambda.security_groups import SecurityGroups
from aurora_lambda.transform import ChildTypes
from aurora_lambda_runtime.database.engines import ENGINES, Auth

Parameter = aws.rds.ClusterParameterGroupParameterArgs
INSIGHTS_DAYS = 7
# Of a live cluster: the provider never changes the first, and another second, as of a renamed stack, would replace it.
KEPT = ["engineLifecycleSupport", "clusterIdentifierPrefix"]
CHILDREN: ChildTypes = {
    "cluster": aws.rds.Cluster,
    "instance": aws.rds.ClusterInstance,
    "logGroup": aws.cloudwatch.LogGroup,
    "parameterGroup": aws.rds.ClusterParameterGroup,
    "subnetGroup": aws.rds.SubnetGroup,
    "securityGroup": aws.ec2.SecurityGroup,
    "ingressRule": aws.vpc.SecurityGroupIngressRule,
    "egressRule": aws.vpc.SecurityGroupEgressRule,
    "secret": aws.secretsmanager.Secret,
    "secretsEndpointPolicy": aws.ec2.VpcEndpointPolicy,
}


class AuroraDatabase(Component[AuroraDatabaseArgs]):
    """An encrypted Aurora Serverless v2 cluster, with a master password that RDS makes, keeps and rotates.

    Makes: the cluster (`cluster` in `transform`), its instances (`instance`: each of them), a cluster parameter group
    (`parameterGroup`), a subnet group (`subnetGroup`), a security group (`securityGroup`) that takes the engine's port
    from the functions' group only (`ingressRule`, and the functions' own `egressRule`), where the application logs in
    by password an empty secret (`secret`) that the migration runner fills, with `export_logs` a log group for each log
    (`logGroup`: each of them), and with `secrets_endpoint_id` that endpoint's policy (`secretsEndpointPolicy`).
    With `cluster_identifier` there is no new cluster: only rules, and what the login takes, are made. Another engine is
    another cluster: the old one, its login and its rules are deleted after all else has changed.
    At rest, paused, it costs its storage (0.10 USD per GB-month) and 0.40 USD a month for each secret.
    """

    runtime: pulumi.Output[FunctionAccess]
    """What the application needs to use the database: its own role, with no right to change the schema. Known once the
    writer answers."""
    admin: pulumi.Output[FunctionAccess]
    """What the migration runner needs: the master user's secret."""
    endpoint: pulumi.Output[str]
    """The writer endpoint, known once the writer answers."""
    identifier: pulumi.Output[str]
    """The cluster's identifier."""

    def __init__(self, name: str, args: AuroraDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the cluster and what belongs to it."""
        existing = args.get("cluster_identifier") is not None
        children = {child: CHILDREN[child] for child in existing_cluster.MADE_BESIDE} if existing else CHILDREN
        super().__init__(name, args, opts, takes=AuroraDatabaseArgs, arguments=ARGUMENTS, children=children)
        check_together(name, self._given)
        self._engine = self._args["engine"]
        self._auth = cast(Auth, self._args["auth"])
        self._rds, self._port = RDS_ENGINES[self._engine], ENGINES[self._engine].default_port
        self._logs = self._rds.logs if self._args["export_logs"] else ()
        self._groups = SecurityGroups(self._child, self._tags)
        self._restored_from = existing_cluster.restored_from(self._args)

        if existing:
            cluster = existing_cluster.looked_up(name, self._args, self)
            rules = self._connected(cluster.vpc_security_group_ids[0])
            ready = [existing_cluster.usable(name, self._args, cluster), *rules]
        else:
            description = "Database: the port of the engine, from the functions."
            group = self._groups.group("securityGroup", name, self._args["vpc_id"], description)
            rules = self._connected(group.id)
            cluster = self._cluster(group)
            restored = existing_cluster.restored_as_asked(name, self._args, cluster)
            ready = [self._instances(cluster, self._log_groups(cluster))[0].id, *rules, *restored]
        self.endpoint = known_after(cluster.endpoint, *ready)
        self.identifier = cluster.cluster_identifier
        details = self._details(cluster, self._runtime_secret_arn())
        self.runtime = details.apply(lambda cluster: cluster.runtime())
        self.admin = details.apply(lambda cluster: cluster.admin())
        if "secrets_endpoint_id" in self._args:
            self._secrets_endpoint_policy(details)
        self._register_outputs()

    def _connected(self, group_id: pulumi.Output[str]) -> list[pulumi.Output[str]]:
        """Let the functions reach the cluster's group, and return outputs that are known once they do."""
        if not self._args["security_group_rules"]:
            return []
        # Named by the engine: a new engine's rules are created before these are deleted.
        name = f"{self._name}-{self._engine}"
        return self._groups.connect(
            self._args["function_security_group_id"],
            group_id,
            self._port,
            ingress=(f"{name}-from-functions", f"{self._engine} from the functions"),
            egress=(f"{name}-functions-out", f"{self._engine} to the database"),
        )

    def _cluster(self, group: aws.ec2.SecurityGroup) -> aws.rds.Cluster:
        args, parameters = self._args, self._parameter_group()
        final_snapshot = pulumi.Output.from_input(args["final_snapshot"])
        return aws.rds.Cluster(
            self._name,
            cluster_identifier_prefix=rds_identifier_prefix(self._name),
            engine=self._rds.name,
            engine_version=self._engine_version,
            # An upgrade happens when `engine_version` says so, and only then.
            allow_major_version_upgrade="engine_version" in args,
            auto_minor_version_upgrade=False,
            engine_lifecycle_support=pulumi.Output.from_input(args["extended_support"]).apply(LIFECYCLE_SUPPORT.get),
            port=self._port,
            # A restored cluster has its source's two: others would replace it, by the source's data, in the next `up`.
            master_username=None if self._restored_from else MASTER_USERNAME,
            storage_encrypted=None if self._restored_from else True,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=args.get("kms_key_id"),
            iam_database_authentication_enabled=pulumi.Output.from_input(args.get("former_auth")).apply(
                lambda former: "iam" in (self._auth, former)
            ),
            db_subnet_group_name=self._subnet_group().name,
            vpc_security_group_ids=[group.id],
            db_cluster_parameter_group_name=parameters.name,
            serverlessv2_scaling_configuration=scaling(args),
            kms_key_id=args.get("kms_key_id"),
            enabled_cloudwatch_logs_exports=self._logs or None,
            backup_retention_period=args["backup_retention_days"],
            preferred_backup_window=args.get("backup_window"),
            preferred_maintenance_window=args.get("maintenance_window"),
            snapshot_identifier=args.get("snapshot_identifier"),
            restore_to_point_in_time=existing_cluster.restore_point(args),
            copy_tags_to_snapshot=True,
            deletion_protection=args["deletion_protection"],
            skip_final_snapshot=final_snapshot.apply(lambda taken: not taken),
            # The group's generated name is new for each cluster, so no two snapshots share a name.
            final_snapshot_identifier=final_snapshot.apply(
                lambda taken: pulumi.Output.concat(parameters.name, "-final") if taken else None
            ),
            # Else changes wait for the maintenance window although `pulumi up` reports them as done.
            apply_immediately=True,
            tags=self._tags(self._name),
            # Protected here too: else a destroy would take the functions down before AWS refuses to delete the cluster.
            opts=self._child("cluster", protect=args["deletion_protection"], ignore_changes=KEPT),
        )

    def _log_groups(self, cluster: aws.rds.Cluster) -> list[aws.cloudwatch.LogGroup]:
        """Register the groups that RDS writes exported logs to: it makes those that are missing, kept for ever."""
        return [
            aws.cloudwatch.LogGroup(
                name := f"{self._name}-{self._engine}-{log}",
                name=pulumi.Output.concat("/aws/rds/cluster/", cluster.cluster_identifier, "/", log),
                retention_in_days=self._args["log_retention_days"],
                kms_key_id=self._args.get("kms_key_id"),
                tags=self._tags(name),
                opts=self._child("logGroup"),
            )
            for log in self._logs
        ]

    def _parameter_group(self) -> aws.rds.ClusterParameterGroup:
        version = pulumi.Output.from_input(self._engine_version)
        return aws.rds.ClusterParameterGroup(
            self._name,
            family=version.apply(self._rds.family),
            description=f"{self._name}: TLS only, idle connections closed after {IDLE_SECONDS} s",
            parameters=version.apply(self._parameters),
            tags=self._tags(self._name),
            opts=self._child("parameterGroup", replacement_trigger=self._another_cluster()),
        )

    def _parameters(self, version: str) -> list[Parameter]:
        parameters = {**self._rds.parameters, **(self._rds.log_parameters if self._logs else {})}
        return [
            Parameter(name=name, value=value, apply_method=self._rds.apply_method(name, version))
            for name, value in sorted(parameters.items())
        ]

    def _subnet_group(self) -> aws.rds.SubnetGroup:
        return aws.rds.SubnetGroup(
            self._name,
            subnet_ids=self._args["subnet_ids"],
            tags=self._tags(self._name),
            # RDS cannot move a subnet group to another VPC.
            opts=self._child("subnetGroup", replacement_trigger=self._another_cluster()),
        )

    def _another_cluster(self) -> pulumi.Output[list[str]]:
        """Return what replaces the cluster by its change."""
        return pulumi.Output.all(self._args["vpc_id"], self._args.get("kms_key_id", ""), *self._restored_from)

    def _instances(
        self, cluster: aws.rds.Cluster, log_groups: list[aws.cloudwatch.LogGroup]
    ) -> list[aws.rds.ClusterInstance]:
        insights = pulumi.Output.from_input(self._args["performance_insights"])
        return [
            aws.rds.ClusterInstance(
                f"{self._name}-{number}",
                identifier_prefix=rds_identifier_prefix(f"{self._name}-{number}"),
                cluster_identifier=cluster.cluster_identifier,
                engine=aws.rds.EngineType(self._rds.name),
                engine_version=cluster.engine_version,
                apply_immediately=True,
                instance_class="db.serverless",
                publicly_accessible=False,
                preferred_maintenance_window=self._args.get("maintenance_window"),
                auto_minor_version_upgrade=False,
                performance_insights_enabled=insights,
                performance_insights_retention_period=insights.apply(lambda on: INSIGHTS_DAYS if on else None),
                performance_insights_kms_key_id=insights.apply(lambda on: self._args.get("kms_key_id") if on else None),
                promotion_tier=min(number - 1, 1),
                tags=self._tags(f"{self._name}-{number}"),
                # What writes logs comes after the groups that it writes to, and goes before them.
                opts=self._child("instance", depends_on=log_groups, ignore_changes=["identifierPrefix"]),
            )
            for number in range(1, self._args["instance_count"] + 1)
        ]

    def _runtime_secret_arn(self) -> pulumi.Input[str]:
        if self._auth == "iam":
            return ""
        # One for each engine: the old handler needs its login until the new one is deployed.
        name = f"{self._name}-{self._engine}-runtime"
        return aws.secretsmanager.Secret(
            name,
            name_prefix=f"{physical_name(self._name)}-runtime-",
            description=f"Login of the application's role in {self._name}; written by the migration runner",
            recovery_window_in_days=self._args["secret_recovery_days"],
            kms_key_id=self._args.get("kms_key_id"),
            tags=self._tags(name),
            opts=self._child("secret", **secret_options(self._args.get("kms_key_id"))),
        ).arn

    def _details(self, cluster: aws.rds.Cluster, runtime_secret_arn: pulumi.Input[str]) -> pulumi.Output[AuroraDetails]:
        return pulumi.Output.all(
            name=self._name,
            engine=self._engine,
            auth=self._auth,
            schema=self._args["schema"],
            runtime_role=existing_cluster.runtime_role(self._args),
            endpoint=self.endpoint,
            port=cluster.port,
            identifier=cluster.cluster_identifier,
            arn=cluster.arn,
            resource_id=cluster.cluster_resource_id,
            # Where there is none, `usable` says so.
            master_secret_arn=cluster.master_user_secrets.apply(lambda found: found[0].secret_arn if found else ""),
            runtime_secret_arn=runtime_secret_arn,
            kms_key_arn=self._args.get("kms_key_id", ""),
            subnet_ids=self._args["subnet_ids"],
            security_group_ids=[self._args["function_security_group_id"]],
            master_username=cluster.master_username,
            master_key_arn=existing_cluster.master_key(self._args, cluster),
            owner=existing_cluster.owner(self._args),
        ).apply(lambda details: AuroraDetails(**details))

    def _secrets_endpoint_policy(self, details: pulumi.Output[AuroraDetails]) -> None:
        aws.ec2.VpcEndpointPolicy(
            self._name,
            vpc_endpoint_id=self._args["secrets_endpoint_id"],
            policy=pulumi.Output.all(details, self._args.get("endpoint_secret_arns", [])).apply(
                lambda known: known[0].secrets_endpoint_policy(physical_name(""), known[1])
            ),
            opts=self._child("secretsEndpointPolicy"),
        )

    @property
    def _engine_version(self) -> pulumi.Input[str]:
        return self._args.get("engine_version", self._args.get("former_engine_version", self._rds.version))
