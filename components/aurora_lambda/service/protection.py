"""Refuses to destroy a protected stack before anything of it is gone."""

from collections.abc import Sequence

import pulumi

from aurora_lambda.service.settings import Settings


class Protection(pulumi.ComponentResource):
    """A resource that Pulumi deletes before all others, and does not delete where something of the stack is protected.

    A destroy goes from what nothing depends on to what everything depends on: without this, `pulumi destroy
    --skip-preview` would delete the functions before it meets the protected database. It is there in every stack, since
    a protected resource that leaves the program fails each later `pulumi up`. Makes nothing in AWS.
    """

    def __init__(self, everything: pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]]], *, protected: bool) -> None:
        """Register it behind `everything`, the stack's components."""
        opts = pulumi.ResourceOptions(protect=protected, depends_on=everything)
        super().__init__("aurora-lambda:stacks:Protection", "protection", {}, opts)
        self.register_outputs({})


def is_protected(settings: Settings) -> bool:
    """Return whether a stack holds something that Pulumi refuses to delete."""
    tables = any(stream.deletion_protection for stream in settings.streams)
    return settings.deletion_protection or tables or not settings.force_delete
