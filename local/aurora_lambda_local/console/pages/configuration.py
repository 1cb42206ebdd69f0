"""The configuration: each key's value, and where it comes from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from aurora_lambda.project import Project
from aurora_lambda_local.console.state import console
from aurora_lambda_local.program.configuration import read_configuration
from aurora_lambda_local.resources.state import load_state

if TYPE_CHECKING:
    from aurora_lambda.service.keys import ConfigKey

pages = Blueprint("configuration", __name__)
# Shown for a value that only Pulumi can decrypt.
ENCRYPTED = "[secret]"


@dataclass(frozen=True)
class Value:
    """A key's value and its source; the value that `-c` gave is kept nowhere, because it may be a secret."""

    name: str
    text: str
    source: str
    description: str


@pages.get("/configuration")
def show() -> str:
    """Show what is set, and every other key with its default."""
    # Imported here because Pulumi takes a second, which no other page needs.
    from aurora_lambda.service.settings import CONFIG_KEYS

    project, stack = Project.find(), console().status()["stack"]
    given = read_configuration(project, stack, ENCRYPTED)
    overrides = load_state(console().paths.state).current_stack().overrides
    names = {f"{project.name}:{name}": key for name, key in CONFIG_KEYS.items()}
    file = project.stack_file(stack)
    set_values = [
        Value(
            key.removeprefix(f"{project.name}:"),
            "" if key in overrides else given[key],
            "-c, for this up" if key in overrides else file.name,
            names[key].documentation if key in names else "",
        )
        for key in sorted({*given, *overrides})
    ]
    defaults = [_default(key) for name, key in sorted(names.items()) if name not in given and name not in overrides]
    return render_template("configuration.html", set_values=set_values, defaults=defaults, file=file, stack=stack)


def _default(key: "ConfigKey") -> Value:
    text = str(key.default).lower() if isinstance(key.default, bool) else str(key.default or "")
    return Value(key.name, text, "default", key.documentation)
