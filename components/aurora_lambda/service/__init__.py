"""The composition of a service's stack, and its configuration."""

from aurora_lambda.service.errors import SettingsError
from aurora_lambda.service.stack import Service

__all__ = ["Service", "SettingsError"]
