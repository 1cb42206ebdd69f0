"""An Aurora DSQL cluster, new or shared, and what one application needs to use it."""

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, policy_of
from aurora_lambda.component import Component, known_after
from aurora_lambda.database_access import DsqlDetails, cluster_endpoint
from aurora_lambda.dsql_args import ARGUMENTS, TOGETHER, DsqlDatabaseArgs, check_together, peering_mistakes
from aurora_lambda.security_groups import ANYWHERE, SecurityGroups
from aurora_lambda.transform import ChildTypes
from aurora_lambda_runtime.database.engines.dsql import DSQL

# Source: Aurora DSQL API reference, EncryptionDetails.
AWS_OWNED_KEY = "AWS_OWNED_KMS_KEY"
CHILDREN: ChildTypes = {
    "cluster": aws.dsql.Cluster,
    "peerCluster": aws.dsql.Cluster,
    "peering": aws.dsql.ClusterPeering,
    "clusterPolicy": aws.dsql.ClusterPolicy,
    "vpcEndpoint": aws.ec2.VpcEndpoint,
    "securityGroup": aws.ec2.SecurityGroup,
    "ingressRule": aws.vpc.SecurityGroupIngressRule,
    "egressRule": aws.vpc.SecurityGroupEgressRule,
}


class DsqlDatabase(Component[DsqlDatabaseArgs]):
    """An Aurora DSQL cluster, encrypted, reached by TLS and IAM tokens only, and the application's place in it.

    Makes: the cluster (`cluster` in `transform`), unless an existing one is named; on demand a cluster in a second
    Region (`peerCluster`) and the peering of the two (`peering`: both ends), and in a VPC the policy by which nobody
    logs in to a new cluster from elsewhere (`clusterPolicy`), and the cluster's interface endpoint (`vpcEndpoint`) with
    its security group (`securityGroup`, `ingressRule`, and the functions' own `egressRule`). At rest it costs its
    storage (0.33 USD per GB-month); an endpoint 7 to 8 USD a month for each subnet.
    """

    runtime: pulumi.Output[FunctionAccess]
    """What the application needs to use the database: its own role, with no right to change the schema."""
    admin: pulumi.Output[FunctionAccess]
    """What the migration runner needs: the role `admin`."""
    endpoint: pulumi.Output[str]
    """Where the cluster answers: in a VPC, by its PrivateLink endpoint."""
    identifier: pulumi.Output[str]
    """The cluster's identifier."""
    arn: pulumi.Output[str]
    """The cluster's ARN."""

    def __init__(self, name: str, args: DsqlDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the cluster and what belongs to it.

        Raises:
            RunError: once the provider's Region is known, another one does not go with it.
        """
        existing = args.get("cluster_identifier") is not None
        children = {child: type_ for child, type_ in CHILDREN.items() if not existing or child != "cluster"}
        super().__init__(name, args, opts, takes=DsqlDatabaseArgs, arguments=ARGUMENTS, children=children)
        check_together(name, self._given)
        self._regions = self._checked_regions()

        if existing:
            own = pulumi.ResourceOptions(parent=self)
            cluster = aws.dsql.Cluster.get(name, self._args["cluster_identifier"], opts=own)
        else:
            cluster = self._cluster("cluster", name, None, self._args.get("kms_key_arn"))
        ready = [*self._peering(cluster), *self._vpc_access(cluster)]
        self.identifier, self.arn = cluster.identifier, cluster.arn
        # Known once the cluster can be used.
        arn = known_after(cluster.arn, *ready)
        in_vpc = "vpc_id" in self._args
        if in_vpc and not existing and self._args["vpc_only"]:
            self._keep_in_vpc(cluster, arn)
        services = [cluster.vpc_endpoint_service_name] if in_vpc else []
        self.endpoint = pulumi.Output.all(arn, *services).apply(lambda known: cluster_endpoint(*known))
        details = self._details(arn)
        self.runtime = details.apply(lambda cluster: cluster.runtime())
        self.admin = details.apply(lambda cluster: cluster.admin())
        self._register_outputs()

    def _checked_regions(self) -> tuple[pulumi.Output[str], pulumi.Output[str]] | None:
        """Return the peer and the witness Region, known once they fit the cluster's own; None for one Region alone."""
        given = {key: str(self._args[key]) for key in TOGETHER[0] if key in self._args}
        if not given:
            return None

        def check(own: str) -> list[str]:
            if mistakes := peering_mistakes({"the cluster's Region": own, **given}):
                raise pulumi.RunError(f"DsqlDatabase {self._name!r}: {'; '.join(mistakes)}")
            return [*given.values()]

        checked = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region.apply(check)
        return checked[0], checked[1]

    def _cluster(
        self, child: str, name: str, region: pulumi.Input[str] | None, kms_key_arn: pulumi.Input[str | None] | None
    ) -> aws.dsql.Cluster:
        protected = self._args["deletion_protection"]
        return aws.dsql.Cluster(
            name,
            region=region,
            deletion_protection_enabled=protected,
            # Said although it is the default: left out, a cluster that had another key would keep it.
            kms_encryption_key=pulumi.Output.from_input(kms_key_arn).apply(lambda key: key or AWS_OWNED_KEY),
            multi_region_properties={"witness_region": self._regions[1]} if self._regions else None,
            tags=self._tags(name),
            opts=self._child(
                child, protect=protected, retain_on_delete=not protected and not self._args["force_destroy"]
            ),
        )

    def _keep_in_vpc(self, cluster: aws.dsql.Cluster, arn: pulumi.Output[str]) -> None:
        """Let nobody log in from elsewhere, once the cluster's ARN is known: that is when it answers in the VPC."""
        aws.dsql.ClusterPolicy(
            self._name,
            identifier=cluster.identifier,
            policy=policy_of(policies.deny_outside_vpc, arn, self._args["vpc_id"]),
            opts=self._child("clusterPolicy"),
        )

    def _peering(self, cluster: aws.dsql.Cluster) -> list[pulumi.Output[str]]:
        """Link the cluster with one in the second Region, and return outputs that are known once they are linked.

        Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/multi-region-aws-cli.html
        """
        if self._regions is None:
            return []
        region, witness = self._regions
        key = pulumi.Output.all(self._args.get("kms_key_arn"), region)
        peer_key = key.apply(lambda known: known[0] and replica_key(*known))
        peer = self._cluster("peerCluster", f"{self._name}-peer", region, peer_key)
        return [
            aws.dsql.ClusterPeering(
                name,
                # A provider for the second Region could not have the credentials of one that the program gives.
                region=own_region,
                identifier=own.identifier,
                clusters=[other.arn],
                witness_region=witness,
                # The provider cannot change a peering: it is made anew for a new cluster.
                opts=self._child("peering", replace_on_changes=["*"]),
            ).id
            for name, own_region, own, other in (
                (self._name, None, cluster, peer),
                (f"{self._name}-peer", region, peer, cluster),
            )
        ]

    def _vpc_access(self, cluster: aws.dsql.Cluster) -> list[pulumi.Output[str]]:
        """Let the functions' VPC reach the cluster, and return outputs that are known once it can."""
        args, name, port = self._args, self._name, DSQL.default_port
        if "vpc_id" not in args:
            return []
        functions, groups = args["function_security_group_id"], SecurityGroups(self._child, self._tags)
        out = f"{name}-functions-out"
        if not args["vpc_endpoint"]:
            # The security group of an endpoint that exists is not known here.
            if not args["security_group_rules"]:
                return []
            return [groups.egress(out, "dsql to the endpoint of the VPC", functions, port, cidr_ipv4=ANYWHERE)]
        description = "DSQL endpoint: the port of the database, from the functions."
        group = groups.group("securityGroup", f"{name}-endpoint", args["vpc_id"], description)
        rules = groups.connect(
            functions,
            group.id,
            port,
            ingress=(f"{name}-from-functions", "dsql from the functions"),
            egress=(out, "dsql to the database"),
        )
        return [self._vpc_endpoint(cluster, group).id, *rules]

    def _vpc_endpoint(self, cluster: aws.dsql.Cluster, group: aws.ec2.SecurityGroup) -> aws.ec2.VpcEndpoint:
        """Register the cluster's PrivateLink endpoint.

        Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/privatelink-managing-clusters.html
        """
        return aws.ec2.VpcEndpoint(
            self._name,
            vpc_id=self._args["vpc_id"],
            service_name=cluster.vpc_endpoint_service_name,
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=pulumi.Output.all(self._args["subnet_ids"]).apply(lambda known: self._one_in_each_zone(*known)),
            security_group_ids=[group.id],
            tags=self._tags(self._name),
            opts=self._child("vpcEndpoint"),
        )

    def _one_in_each_zone(self, subnet_ids: list[str]) -> pulumi.Output[list[str]]:
        """Return the first of the subnets in each availability zone: an interface endpoint takes one address in each.

        Source: AWS PrivateLink guide, "Access an AWS service using an interface VPC endpoint", considerations.
        """
        opts = pulumi.InvokeOutputOptions(parent=self)
        zones = [aws.ec2.get_subnet_output(id=each, opts=opts).availability_zone_id for each in subnet_ids]
        return pulumi.Output.all(*zones).apply(
            lambda zones: [each for number, each in enumerate(subnet_ids) if zones[number] not in zones[:number]]
        )

    def _details(self, arn: pulumi.Output[str]) -> pulumi.Output[DsqlDetails]:
        args = self._args
        return pulumi.Output.all(
            name=self._name,
            arn=arn,
            endpoint=self.endpoint,
            identifier=self.identifier,
            schema=args["schema"],
            runtime_role=args.get("runtime_role", ""),
            function_role_arns=args["function_role_arns"],
            subnet_ids=args.get("subnet_ids", []),
            security_group_ids=[args["function_security_group_id"]] if "vpc_id" in args else [],
            owner=args.get("owner", f"{pulumi.get_project()}/{pulumi.get_stack()}"),
        ).apply(lambda details: DsqlDetails(**details))


def replica_key(kms_key_arn: str, region: str) -> str:
    """Return the ARN of a multi-Region key's replica: the same but for the Region.

    Source: AWS KMS developer guide, "How multi-Region keys work"

    >>> replica_key("arn:aws:kms:eu-west-1:123456789012:key/mrk-0a1b", "eu-west-2")
    'arn:aws:kms:eu-west-2:123456789012:key/mrk-0a1b'
    """
    arn, partition, service, _, key = kms_key_arn.split(":", 4)
    return ":".join((arn, partition, service, region, key))
