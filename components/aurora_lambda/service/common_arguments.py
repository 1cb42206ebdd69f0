"""The arguments that a stack's configuration gives to its components."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from aurora_lambda.function_role import FunctionRoleArgs
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stream_settings import StreamSettings


def given_arguments(settings: Settings | StreamSettings, arguments: Iterable[str]) -> dict[str, Any]:
    """Return those of a component's arguments that the configuration has keys for, less what is not given there."""
    keys = {field.name for field in fields(settings)}
    values = {key: getattr(settings, key) for key in arguments if key in keys}
    return {key: value for key, value in values.items() if value not in ("", ())}


def function_arguments(settings: Settings) -> dict[str, Any]:
    """Return the arguments that all functions of a stack have in common."""
    common = ("architecture", "log_retention_days", "tracing")
    return {**given_arguments(settings, common), **settings.encryption, "tags": settings.stack_tags}


def role_arguments(settings: Settings, *, in_vpc: bool) -> FunctionRoleArgs:
    """Return the arguments of a function's role."""
    return {"network_interfaces": in_vpc, "tags": settings.stack_tags, **fence(settings)}


def fence(settings: Settings) -> dict[str, Any]:
    """Return what fences every role of a stack."""
    boundary = {"permissions_boundary": settings.permissions_boundary} if settings.permissions_boundary else {}
    return {"path": settings.role_path, **boundary}
