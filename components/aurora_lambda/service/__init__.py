"""The composition of a service's stack, and its configuration."""

from aurora_lambda.arguments import choice, flag, strings, text, whole_number
from aurora_lambda.service.configuration import load_settings
from aurora_lambda.service.errors import SettingsError
from aurora_lambda.service.keys import config_key, secret_key
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stack import Service

__all__ = [
    "Service",
    "Settings",
    "SettingsError",
    "choice",
    "config_key",
    "flag",
    "load_settings",
    "secret_key",
    "strings",
    "text",
    "whole_number",
]
