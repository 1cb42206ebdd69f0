"""The plugin's schema with descriptions that read well in every language."""

import json
import re
from collections.abc import Mapping
from inspect import cleandoc

from aurora_lambda.arguments import Argument

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def readable_schema(schema: str, arguments: Mapping[str, Mapping[str, Argument]]) -> str:
    """Return the schema with each description cleaned, and completed by what the argument takes and its default.

    Pulumi copies docstrings as they are, indentation and Python's names of properties included. `arguments` are those
    of each component, by its type token.
    """
    document = json.loads(schema)
    resources = document["resources"]
    for token, table in arguments.items():
        for name, argument in table.items():
            described = resources[token]["inputProperties"][camel_case(name)]
            described["description"] = f"{described['description']} {argument.description()}"
    names = {name for resource in resources.values() for name in resource["inputProperties"] | resource["properties"]}
    return json.dumps(_clean(document, names))


def camel_case(name: str) -> str:
    """Return a property's name in the schema.

    >>> camel_case("subnet_ids")
    'subnetIds'
    """
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


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
