"""The composition of a service's stack, and its configuration.

What is imported from here is imported when its name is first used: the stack takes two seconds, which no command needs
but those that run the program.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aurora_lambda.arguments import choice, flag, strings, text, whole_number
    from aurora_lambda.service.configuration import load_settings
    from aurora_lambda.service.keys import SettingsError, config_key, secret_key
    from aurora_lambda.service.settings import Settings
    from aurora_lambda.service.stack import Service
else:
    # A type checker goes by the imports above.
    MODULES = {
        **dict.fromkeys(("choice", "flag", "strings", "text", "whole_number"), "aurora_lambda.arguments"),
        **dict.fromkeys(("SettingsError", "config_key", "secret_key"), "aurora_lambda.service.keys"),
        "Service": "aurora_lambda.service.stack",
        "Settings": "aurora_lambda.service.settings",
        "load_settings": "aurora_lambda.service.configuration",
    }

    def __getattr__(name: str) -> object:
        """Return a name from its module (PEP 562)."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(MODULES[name]), name)


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
