"""Names and tags of resources."""

import hashlib
import re
from collections.abc import Mapping

import pulumi

# RDS takes identifiers of 63 characters, and the AWS provider adds 26 digits to a prefix.
# Source: Amazon Aurora user guide, "Quotas and constraints for Amazon Aurora".
RDS_PREFIX_LENGTH = 63 - 26

Tags = pulumi.Input[Mapping[str, pulumi.Input[str]]]


def resource_tags(tags: Tags | None, name: str) -> pulumi.Output[dict[str, str]]:
    """Return the component's tags with the resource's own `Name`."""
    return pulumi.Output.all(tags or {}).apply(lambda given: {**given[0], "Name": name})


def physical_name(name: str) -> str:
    """Return `<project>-<stack>-<name>`, for a resource whose name has to be known before it exists."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}"


def rds_identifier_prefix(name: str) -> str:
    """Return `<project>-<stack>-<name>-` in RDS's letters, a digest in place of what is too long.

    RDS takes lower-case letters, digits and single hyphens, and a letter to begin with.
    """
    text = re.sub("[^a-z0-9]+", "-", f"{physical_name(name)}-".lower()).lstrip("-0123456789")
    if len(text) <= RDS_PREFIX_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: RDS_PREFIX_LENGTH - 10].rstrip('-')}-{digest}-"


def camel_case(name: str) -> str:
    """Return a property's name in the schema.

    >>> camel_case("subnet_ids")
    'subnetIds'
    """
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def output_prefix(name: str) -> str:
    """Return what the names of a function's or a stream's outputs begin with.

    >>> output_prefix("copy-items")
    'copyItems'
    """
    return camel_case(name.replace("-", "_"))


def function_name(reference: str) -> str:
    """Return the name of a function, given it, its ARN or that of one of its aliases.

    >>> function_name("arn:aws:lambda:eu-west-1:123456789012:function:handler:live")
    'handler'
    """
    return reference.split(":")[6] if reference.startswith("arn:") else reference.partition(":")[0]
