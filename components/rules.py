"""Security group rules: one group lets another in, or reaches out to it, on one TCP port."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.naming import tagged


@dataclass(frozen=True)
class Rules:
    """Makes the rules of one component."""

    parent: pulumi.Resource
    tags: pulumi.Input[dict[str, pulumi.Input[str]]] | None

    def let_in(
        self, name: str, group: pulumi.Input[str], source: pulumi.Input[str], port: int, what: str
    ) -> pulumi.Output[str]:
        """`group` takes `port` from the group `source`; the rule's id."""
        return aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group,
            referenced_security_group_id=source,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=what,
            tags=tagged(self.tags, name),
            opts=pulumi.ResourceOptions(parent=self.parent),
        ).id

    def let_out(
        self, name: str, group: pulumi.Input[str], target: pulumi.Input[str] | None, port: int, what: str
    ) -> pulumi.Output[str]:
        """`group` may reach `port` of the group `target`, or of anybody where that is None; the rule's id."""
        return aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group,
            referenced_security_group_id=target,
            cidr_ipv4=None if target is not None else "0.0.0.0/0",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=what,
            tags=tagged(self.tags, name),
            opts=pulumi.ResourceOptions(parent=self.parent),
        ).id
