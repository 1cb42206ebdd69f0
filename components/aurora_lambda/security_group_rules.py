"""Security group rules: one TCP port from one group to another."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from aurora_lambda.naming import Tags, resource_tags


@dataclass(frozen=True)
class SecurityGroupRules:
    """Makes the security group rules of one component; `child` gives their resource options."""

    child: Callable[[str], pulumi.ResourceOptions]
    tags: Tags | None

    def ingress(
        self, name: str, group: pulumi.Input[str], source: pulumi.Input[str], port: int, description: str
    ) -> pulumi.Output[str]:
        """Let the group `source` reach `port` of `group`, and return the rule's id."""
        return aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group,
            referenced_security_group_id=source,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            tags=resource_tags(self.tags, name),
            opts=self.child("ingressRule"),
        ).id

    def egress(
        self, name: str, group: pulumi.Input[str], target: pulumi.Input[str] | None, port: int, description: str
    ) -> pulumi.Output[str]:
        """Let `group` reach `port` of the group `target`, of any address where it is None, and return the rule's id."""
        return aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group,
            referenced_security_group_id=target,
            cidr_ipv4=None if target is not None else "0.0.0.0/0",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            tags=resource_tags(self.tags, name),
            opts=self.child("egressRule"),
        ).id

    def egress_to_prefix_list(
        self, name: str, group: pulumi.Input[str], prefix_list: pulumi.Input[str], port: int
    ) -> pulumi.Output[str]:
        """Let `group` reach `port` of the addresses of a service with a gateway, and return the rule's id."""
        return aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group,
            prefix_list_id=prefix_list,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="HTTPS to the gateway",
            tags=resource_tags(self.tags, name),
            opts=self.child("egressRule"),
        ).id
