"""The composition of a service's stack, and its configuration.

What is imported from here is imported when its name is first used: the stack takes two seconds, which no command needs
but those that run the program.
"""

from importlib import import_module
from typing import TYPE_CHECKING

MODULES = {
    "arguments": ("choice", "flag", "strings", "text", "whole_number"),
    "service.configuration": ("load_settings",),
    "service.keys": ("SettingsError", "config_key", "secret_key"),
    "service.settings": ("Settings",),
    "service.stack": ("Service",),
}
__all__ = [name for names in MODULES.values() for name in names]

if TYPE_CHECKING:
    from aurora_lambda.arguments import choice as choice
    from aurora_lambda.arguments import flag as flag
    from aurora_lambda.arguments import strings as strings
    from aurora_lambda.arguments import text as text
    from aurora_lambda.arguments import whole_number as whole_number
    from aurora_lambda.service.configuration import load_settings as load_settings
    from aurora_lambda.service.keys import SettingsError as SettingsError
    from aurora_lambda.service.keys import config_key as config_key
    from aurora_lambda.service.keys import secret_key as secret_key
    from aurora_lambda.service.settings import Settings as Settings
    from aurora_lambda.service.stack import Service as Service
else:
    # A type checker goes by the imports above.
    def __getattr__(name: str) -> object:
        """Return a name from its module (PEP 562)."""
        for module, names in MODULES.items():
            if name in names:
                return getattr(import_module(f"aurora_lambda.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
