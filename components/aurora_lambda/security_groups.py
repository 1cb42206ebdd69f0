"""Security groups and their rules: one TCP port from one group to another, or to what else takes it."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class SecurityGroups:
    """Makes the security groups and rules of one component, by the options and the tags of its children."""

    child: Callable[[str], pulumi.ResourceOptions]
    tags: Callable[[str], pulumi.Output[dict[str, str]]]

    def group(self, child: str, name: str, vpc_id: pulumi.Input[str], description: str) -> aws.ec2.SecurityGroup:
        """Register a group without rules."""
        return aws.ec2.SecurityGroup(
            name,
            vpc_id=vpc_id,
            description=description,
            revoke_rules_on_delete=True,
            tags=self.tags(name),
            opts=self.child(child),
        )

    def connect(
        self,
        functions: pulumi.Input[str],
        group: pulumi.Input[str],
        port: int,
        *,
        ingress: tuple[str, str],
        egress: tuple[str, str],
    ) -> list[pulumi.Output[str]]:
        """Let the functions' group reach `port` of a group by two rules, each a name and a description; return ids."""
        name, description = ingress
        taken = aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group,
            referenced_security_group_id=functions,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            tags=self.tags(name),
            opts=self.child("ingressRule"),
        )
        return [taken.id, self.egress(*egress, functions, port, referenced_security_group_id=group)]

    def egress(
        self, name: str, description: str, group: pulumi.Input[str], port: int, **target: pulumi.Input[str]
    ) -> pulumi.Output[str]:
        """Let a group reach `port` of the target, which is one property of the rule, and return the rule's id."""
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
