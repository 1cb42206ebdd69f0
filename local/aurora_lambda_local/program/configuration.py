"""Read a stack's configuration from its file, as Pulumi does."""

import json
import re
from collections.abc import Hashable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from aurora_lambda.project import Project
from aurora_lambda_local.platform.errors import UsageError

PROVIDERS = ("aws", "docker", "pulumi")
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-\d+", re.ASCII)


class StackFileLoader(yaml.SafeLoader):
    """YAML without a key twice: Pulumi refuses it, and which of the two counts is anybody's guess."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping.

        Raises:
            ConstructorError: a key is there twice.
        """
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                mark = node.value[number][0].start_mark
                raise ConstructorError(None, None, f"the key {key!r} is there twice", mark)
        return super().construct_mapping(node, deep=deep)


def load_stack_file(text: str) -> Mapping[str, Any]:
    """Return what a stack's file holds.

    Raises:
        yaml.YAMLError: it is no YAML, or has a key twice.
    """
    return yaml.load(text, StackFileLoader) or {}  # noqa: S506 - a SafeLoader


def read_configuration(project: Project, stack: str, encrypted: str | None = None) -> dict[str, str]:
    """Return the configuration in a stack's file as Pulumi has it: full keys, strings, structured values as JSON.

    `encrypted` stands for each value that is encrypted, which cannot be read here.

    Raises:
        UsageError: there is no such file, something in it is misspelt, there twice or has no value, or is encrypted
            where nothing stands for it.
    """
    file = project.stack_file(stack)
    if not file.is_file():
        available = ", ".join(project.stacks)
        raise UsageError(f"there is no stack {stack!r} ({file} is missing); available: {available}")
    try:
        values = load_stack_file(file.read_text(encoding="utf-8")).get("config") or {}
        names = [full_key(str(key), project.name, str(file)) for key, _ in values.items()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UsageError(f"{file} has {twice[0]} twice, with its namespace and without: remove one of the two")
        given = dict(zip(names, values.values(), strict=True))
    except (yaml.YAMLError, AttributeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{file} is not a Pulumi stack file: {error}") from error
    config = {key: _text(key, value, file, encrypted) for key, value in given.items()}
    region = config.get("aws:region")
    if region is not None and not _REGION.fullmatch(region):
        raise UsageError(f"{file}: aws:region is {region!r}, which is no AWS region; one is eu-west-1")
    return config


def machine_values(project: str, config: Mapping[str, str]) -> dict[str, str]:
    """Return the keys, with their values here, for which this machine can do only one thing and not what they say.

    No MySQL server but Amazon's takes IAM tokens.
    """
    engine, auth = (
        config.get(f"{project}:{key}", default) for key, default in (("engine", "mysql"), ("databaseAuth", "iam"))
    )
    return {f"{project}:databaseAuth": "password"} if (engine, auth) == ("mysql", "iam") else {}


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
        remedy = f"did you mean {near[0]}:{name}?" if near else f"available: {', '.join(known)}"
        raise UsageError(f"{source}: nothing here reads {key}; {remedy}")
    return f"{namespace}:{name}"


def _text(key: str, value: object, file: Path, encrypted: str | None) -> str:
    if value is None:
        raise UsageError(f"{file}: {key} has no value; give it one, or remove the line")
    if isinstance(value, Mapping) and "secure" in value:
        if encrypted is not None:
            return encrypted
        raise UsageError(f"{key} is encrypted in the stack's file: give it here with -c {key.partition(':')[2]}=...")
    return value if isinstance(value, str) else json.dumps(value, default=str)
