"""The secrets that a program makes for functions of its service."""

import pulumi

from aurora_lambda.secret import Secret, SecretArgs
from aurora_lambda.service.additions import Additions
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stream_settings import NAME


class Secrets:
    """Makes the secrets of one service."""

    def __init__(self, settings: Settings, additions: Additions) -> None:
        self._settings, self._additions = settings, additions
        self._names: list[str] = []

    def add(self, name: str, value: pulumi.Input[str] | None, arn: pulumi.Input[str] | None) -> Secret:
        """Make a secret of a value, or name an existing one by its ARN."""
        try:
            NAME.check(name)
        except ValueError as error:
            raise ValueError(f"a secret's name is {name!r}; {error}") from None
        if name in self._names:
            raise ValueError(f"secret {name!r} is there already: keep what service.secret returned the first time")
        self._names.append(name)
        args: SecretArgs = {"recovery_days": self._settings.secret_recovery_days, "tags": self._settings.stack_tags}
        if value is not None:
            args["value"] = value
        if arn is not None:
            args["arn"] = arn
        if self._settings.kms_key_arn and value is not None:
            args["kms_key_arn"] = self._settings.kms_key_arn
        secret = Secret(name, args)
        self._additions.add_secret(secret)
        return secret
