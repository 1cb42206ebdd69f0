"""Read a stack's configuration from its file, as Pulumi does."""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

import yaml

from aurora_lambda.project import Project
from aurora_lambda_local.platform.errors import UsageError

PROVIDERS = ("aws", "docker", "pulumi")
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-\d+", re.ASCII)


def read_configuration(project: Project, stack: str) -> dict[str, str]:
    """Return the configuration in a stack's file as Pulumi has it: full keys, strings, structured values as JSON.

    Raises:
        UsageError: there is no such file, or something in it is misspelt or has no value.
    """
    file = project.stack_file(stack)
    if not file.is_file():
        names = sorted(path.name.split(".")[1] for path in project.stack_files.glob("Pulumi.*.yaml") if path.is_file())
        raise UsageError(f"there is no stack {stack!r} ({file} is missing); there are: {', '.join(names)}")
    try:
        values = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config") or {}
        given = {full_key(str(key), project.name, str(file)): value for key, value in values.items()}
    except (yaml.YAMLError, AttributeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{file} is not a Pulumi stack file: {error}") from error
    config = {key: _text(key, value, file) for key, value in given.items()}
    region = config.get("aws:region")
    if region is not None and not _REGION.fullmatch(region):
        raise UsageError(f"{file}: aws:region is {region!r}, which is no AWS region; one is eu-west-1")
    return config


def full_key(key: str, project: str, source: str) -> str:
    """Return a key with its namespace, by default the project's; `aws:config:region` becomes `aws:region`.

    Raises:
        UsageError: nothing reads that namespace; the message begins with `source`.
    """
    namespace, colon, name = key.replace(":config:", ":", 1).rpartition(":")
    if not colon:
        return f"{project}:{name}"
    known = (project, *PROVIDERS)
    if namespace not in known and find_spec("pulumi_" + re.sub(r"\W", "_", namespace)) is None:
        near = get_close_matches(namespace, known, n=1)
        remedy = f"did you mean {near[0]}:{name}?" if near else f"there are: {', '.join(known)}"
        raise UsageError(f"{source}: nothing here reads {key}; {remedy}")
    return f"{namespace}:{name}"


def _text(key: str, value: object, file: Path) -> str:
    if value is None:
        raise UsageError(f"{file}: {key} has no value; give it one, or remove the line")
    if isinstance(value, Mapping) and "secure" in value:
        raise UsageError(f"{key} is encrypted in the stack's file: give it here with -c {key.partition(':')[2]}=...")
    return value if isinstance(value, str) else json.dumps(value, default=str)
