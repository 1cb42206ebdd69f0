"""The plugin's schema with descriptions that read well in every language."""

import json
import re
from collections.abc import Mapping
from inspect import cleandoc

from aurora_lambda.arguments import Argument
from aurora_lambda.naming import camel_case
from aurora_lambda.transform import ChildTypes

# What package pages of the SDKs show. The namespace is the SDKs' own scope: `@aurora-lambda/aurora-lambda`.
METADATA = {
    "namespace": "aurora-lambda",
    "displayName": "Aurora Lambda",
    "description": "Container-image Lambda functions with Aurora, Aurora DSQL, migrations and DynamoDB streams.",
    "keywords": ["pulumi", "category/cloud", "kind/component", "aws", "lambda", "aurora", "dsql", "dynamodb"],
    "publisher": "aurora-lambda maintainers",
    "license": "Apache-2.0",
}
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def readable_schema(schema: str, tables: Mapping[str, tuple[Mapping[str, Argument], ChildTypes]]) -> str:
    """Return the schema with defaults, enums for closed sets, and descriptions that are whole and clean.

    Pulumi copies docstrings as they are, indentation and Python's names of properties included. `tables` are the
    arguments and the children of each component, by its type token.
    """
    document = json.loads(schema) | METADATA
    resources = document["resources"]
    for token, (arguments, children) in tables.items():
        transform = resources[token]["inputProperties"]["transform"]
        transform["description"] += f" Available: {', '.join(f'`{child}`' for child in children)}."
        for name, argument in arguments.items():
            described = resources[token]["inputProperties"][camel_case(name)]
            described["description"] = f"{described['description']} {argument.description()}"
            if isinstance(argument.default, str | int | float):
                described["default"] = argument.default
            if argument.choices:
                # It is called by the argument, as `UrlAuthType`.
                enum = f"{token.rpartition(':')[0]}:{name.title().replace('_', '')}"
                document["types"][enum] = {"type": "string", "enum": [{"value": each} for each in argument.choices]}
                described["$ref"] = f"#/types/{enum}"
                del described["type"]
    names = {name for resource in resources.values() for name in resource["inputProperties"] | resource["properties"]}
    return json.dumps(_clean(document, names))


def _clean(value: Json, names: set[str]) -> Json:
    """Return the value with all descriptions in it cleaned; `names` are the schema's properties."""
    if isinstance(value, list):
        return [_clean(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _clean_text(item, names) if key == "description" and isinstance(item, str) else _clean(item, names)
        for key, item in value.items()
    }


def _clean_text(text: str, names: set[str]) -> str:
    def in_schema(match: re.Match[str]) -> str:
        name = camel_case(match[1])
        return f"`{name}`" if name in names else match[0]

    return re.sub(r"`(\w+)`", in_schema, cleandoc(text))
