"""A backup plan: a copy each day of what has no backups of its own, in a vault that outlives it."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import policy_of
from aurora_lambda.arguments import KMS_KEY, Argument, flag, text, whole_number
from aurora_lambda.component import Component
from aurora_lambda.naming import Tags
from aurora_lambda.transform import ChildTypes, Transform

# Source: AWS Backup developer guide, "AWS managed policies for AWS Backup": what it needs for each kind of resource,
# which AWS keeps up to date.
MANAGED_POLICIES = ("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores")


class BackupArgs(TypedDict):
    """What to back up, when, and how long to keep it."""

    resource_arns: pulumi.Input[Sequence[pulumi.Input[str]]]
    """ARNs of what to back up, such as DSQL clusters and DynamoDB tables."""
    retention_days: NotRequired[pulumi.Input[int]]
    """Days that a backup is kept."""
    schedule: NotRequired[pulumi.Input[str]]
    """When, as AWS Backup's cron in UTC: at five in the morning by default."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the vault. Default: a key of AWS Backup's own."""
    force_destroy: NotRequired[bool]
    """Whether the vault is deleted with the backups in it once it is no longer part of the stack; otherwise it stays in
    the account, with the role. Plain, since Pulumi has to know it first."""
    tags: NotRequired[Tags]
    """Tags of every resource."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


# Source: AWS Backup API reference, Lifecycle and BackupRuleInput.
ARGUMENTS: Mapping[str, Argument] = {
    "retention_days": whole_number(1, 36_500, "days", 35),
    "schedule": text(r"cron\(\S+( \S+){5}\)", "a cron expression of six fields", "cron(0 5 * * ? *)"),
    "kms_key_arn": KMS_KEY,
    "force_destroy": flag(default=False),
}
CHILDREN: ChildTypes = {
    "vault": aws.backup.Vault,
    "plan": aws.backup.Plan,
    "role": aws.iam.Role,
    "policyAttachment": aws.iam.RolePolicyAttachment,
    "selection": aws.backup.Selection,
}


class Backup(Component[BackupArgs]):
    """Daily backups by AWS Backup, in a vault that stays when the stack goes.

    Makes: the vault (`vault` in `transform`), the plan (`plan`), what it backs up (`selection`), and the role by which
    AWS Backup does, deletes what is past its days, and restores (`role`, `policyAttachment`: each of the two), which
    stays with the vault. At rest it costs what is in the vault.
    """

    vault_name: pulumi.Output[str]
    """The vault's name."""
    role_arn: pulumi.Output[str]
    """ARN of the role, which a restore takes too."""

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the vault and what fills it."""
        super().__init__(name, args, opts, takes=BackupArgs, arguments=ARGUMENTS, children=CHILDREN)
        vault, role = self._vault(), self._role()
        aws.backup.Selection(
            name,
            plan_id=self._plan(vault).id,
            iam_role_arn=role.arn,
            # By ARN, which needs no opt-in of the account. Source: AWS Backup API reference, UpdateRegionSettings.
            resources=self._args["resource_arns"],
            opts=self._child("selection", depends_on=self._attachments(role)),
        )
        self.vault_name, self.role_arn = vault.name, role.arn
        self._register_outputs()

    def _vault(self) -> aws.backup.Vault:
        return aws.backup.Vault(
            self._name,
            kms_key_arn=self._args.get("kms_key_arn"),
            force_destroy=self._args["force_destroy"],
            tags=self._tags(self._name),
            opts=self._kept("vault"),
        )

    def _plan(self, vault: aws.backup.Vault) -> aws.backup.Plan:
        return aws.backup.Plan(
            self._name,
            rules=[
                {
                    "rule_name": "daily",
                    "target_vault_name": vault.name,
                    "schedule": self._args["schedule"],
                    "lifecycle": {"delete_after": self._args["retention_days"]},
                }
            ],
            tags=self._tags(self._name),
            opts=self._child("plan"),
        )

    def _role(self) -> aws.iam.Role:
        account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        return aws.iam.Role(
            self._name,
            assume_role_policy=policy_of(policies.trust, "backup.amazonaws.com", account_id),
            tags=self._tags(self._name),
            opts=self._kept("role"),
        )

    def _attachments(self, role: aws.iam.Role) -> list[pulumi.Resource]:
        partition = aws.get_partition_output(opts=pulumi.InvokeOutputOptions(parent=self)).partition
        return [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{policy.rpartition('For')[2].lower()}",
                role=role.name,
                policy_arn=pulumi.Output.concat("arn:", partition, ":iam::aws:policy/service-role/", policy),
                opts=self._kept("policyAttachment"),
            )
            for policy in MANAGED_POLICIES
        ]

    def _kept(self, child: str) -> pulumi.ResourceOptions:
        # The role stays with the vault: AWS Backup deletes what is past its days by the role that made it. Source: AWS
        # Backup developer guide, "Identity and access management in AWS Backup".
        return self._child(child, retain_on_delete=not self._args["force_destroy"])
