"""Security group rules: one TCP port from one group to another, or to what else takes it."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class SecurityGroupRules:
    """Makes the security group rules of one component, by its children's resource options and tags."""

    child: Callable[[str], pulumi.ResourceOptions]
    tags: Callable[[str], pulumi.Output[dict[str, str]]]

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
            tags=self.tags(name),
            opts=self.child("ingressRule"),
        ).id

    def egress(
        self, name: str, group: pulumi.Input[str], port: int, description: str, **target: pulumi.Input[str]
    ) -> pulumi.Output[str]:
        """Let `group` reach `port` of the one `target`, by its property of the resource, and return the rule's id."""
        return aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            tags=self.tags(name),
            opts=self.child("egressRule"),
            **target,
        ).id
