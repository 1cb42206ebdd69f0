"""The composition of a service's stack, and its configuration.

What is imported from here is imported when its name is first used: the stack takes two seconds, which no command needs
but those that run the program.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aurora_lambda.service.errors import SettingsError
    from aurora_lambda.service.stack import Service
else:
    # A type checker goes by the imports above.
    MODULES = {"Service": "stack", "SettingsError": "errors"}

    def __getattr__(name: str) -> object:
        """Return a name from its module (PEP 562)."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)


__all__ = ["Service", "SettingsError"]
