"""What one stack of a service consists of, and how it is configured."""

from aurora_lambda.service.errors import SettingsError
from aurora_lambda.service.stack import Service

__all__ = ["Service", "SettingsError"]
