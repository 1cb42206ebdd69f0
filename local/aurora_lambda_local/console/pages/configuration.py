"""The configuration: each key's value, and where it comes from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from aurora_lambda.project import Project
from aurora_lambda_local.console.state import console
from aurora_lambda_local.program.configuration import machine_values, read_configuration
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

    project, report = Project.find(), console().status()
    stack, engine = report["stack"], f"{project.name}:engine"
    given = read_configuration(project, stack, ENCRYPTED)
    overrides = load_state(console().paths.state).current_stack().overrides
    machine = machine_values(project.name, given | ({engine: report["engine"]} if engine in overrides else {}))
    names = {f"{project.name}:{name}": key for name, key in CONFIG_KEYS.items()}
    file = project.stack_file(stack)
    sources = {file.name: given, "-c, for this up": dict.fromkeys(overrides, ""), "this machine": machine}
    found = {key: (text, source) for source, values in sources.items() for key, text in values.items()}
    set_values = [
        Value(key.removeprefix(f"{project.name}:"), *found[key], names[key].documentation if key in names else "")
        for key in sorted(found)
    ]
    defaults = [_default(key) for name, key in sorted(names.items()) if name not in found]
    return render_template("configuration.html", set_values=set_values, defaults=defaults, file=file, stack=stack)


def _default(key: "ConfigKey") -> Value:
    text = str(key.default).lower() if isinstance(key.default, bool) else str(key.default or "")
    return Value(key.name, text, "default", key.documentation)
