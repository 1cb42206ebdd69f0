"""A secret that functions read: a value kept by Secrets Manager, or one that is there already."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, function_access
from aurora_lambda.arguments import KMS_KEY, Argument, map_input, recovery_days, text
from aurora_lambda.component import Component
from aurora_lambda.naming import Tags, physical_name
from aurora_lambda.transform import ChildTypes, Transform
from aurora_lambda_runtime.database.contract import secret_variable

# The six characters at its end are AWS's: a policy of an ARN without them would allow nothing.
WHOLE_ARN = r"arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+-\w{6}"
# Source: Secrets Manager API reference, PutSecretValue.
VALUE_BYTES = 65_536


class SecretArgs(TypedDict):
    """What the secret is: a value, or an existing secret's ARN; one of the two."""

    value: NotRequired[pulumi.Input[str]]
    """The value, such as a secret of the configuration. It is encrypted in Pulumi's state. Another value becomes the
    secret's current one; a rotation by Secrets Manager is left alone."""
    arn: NotRequired[pulumi.Input[str]]
    """ARN of an existing secret, which is left as it is."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts it. Default: the account's own key."""
    recovery_days: NotRequired[pulumi.Input[int]]
    """Days that a deleted secret can be restored; 0: it is deleted at once."""
    tags: NotRequired[Tags]
    """Tags of the secret."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "arn": text(WHOLE_ARN, "the whole ARN of a secret, with the six characters at its end"),
    "kms_key_arn": KMS_KEY,
    "recovery_days": recovery_days(0),
}
CHILDREN: ChildTypes = {"secret": aws.secretsmanager.Secret, "version": aws.secretsmanager.SecretVersion}


class Secret(Component[SecretArgs]):
    """A secret for functions, which get its ARN and read its value when they run: never a part of their configuration.

    Makes, unless an existing one is named: the secret (`secret` in `transform`) and its current value (`version`). At
    rest 0.40 USD a month.
    """

    arn: pulumi.Output[str]
    """The secret's ARN."""
    reader: pulumi.Output[FunctionAccess]
    """What a function needs to read it: the variable `SECRET_<NAME>_ARN`, and the right to."""

    def __init__(self, name: str, args: SecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the secret.

        Raises:
            ValueError: an argument that is not allowed, or not exactly one of `value` and `arn`; of an output, once it
                is known.
        """
        existing = args.get("arn") is not None
        super().__init__(name, args, opts, takes=SecretArgs, arguments=ARGUMENTS, children={} if existing else CHILDREN)
        if existing == ("value" in self._args):
            raise ValueError(f"Secret {name!r}: give either a value or the arn of an existing secret")
        self.arn = pulumi.Output.from_input(self._args["arn"]) if existing else self._new_secret()
        self.reader = pulumi.Output.all(self.arn, self._args.get("kms_key_arn", "")).apply(
            lambda known: _reader(name, *known)
        )
        self._register_outputs()

    def _new_secret(self) -> pulumi.Output[str]:
        value = map_input(self._args["value"], self._checked)
        secret = aws.secretsmanager.Secret(
            self._name,
            name_prefix=f"{physical_name(self._name)}-",
            kms_key_id=self._args.get("kms_key_arn"),
            recovery_window_in_days=self._args["recovery_days"],
            tags=self._tags(self._name),
            opts=self._child("secret", **secret_options(self._args.get("kms_key_arn"))),
        )
        aws.secretsmanager.SecretVersion(
            self._name,
            secret_id=secret.arn,
            # Plain text of the program would be plain text in the state.
            secret_string=pulumi.Output.secret(value),
            opts=self._child("version"),
        )
        return secret.arn

    def _checked(self, value: str) -> str:
        size = len(value.encode())
        if not 0 < size <= VALUE_BYTES:
            # The value itself is in no message.
            raise ValueError(f"Secret {self._name!r}: value has {size} bytes; must be text of 1 to {VALUE_BYTES} bytes")
        return value


def secret_options(kms_key: pulumi.Input[str] | None) -> dict[str, list[str]]:
    """Return the options of a secret, which keeps its name when the stack gets another one.

    One that had a key and has none now is made anew: the provider's update takes no key away.
    """
    return {"ignore_changes": ["namePrefix"], "replace_on_changes": ["kmsKeyId"] if kms_key is None else []}


def _reader(name: str, arn: str, kms_key_arn: str) -> FunctionAccess:
    statements = [policies.read_secret(arn), *policies.use_key("secretsmanager", kms_key_arn, "kms:Decrypt")]
    return function_access({secret_variable(name): arn}, statements)
