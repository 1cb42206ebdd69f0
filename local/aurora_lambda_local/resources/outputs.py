"""The ids and outputs that AWS would give to resources, computed from their type, name and inputs.

The same type, name and inputs always give the same outputs: names that Pulumi would generate end in seven hexadecimal
digits of a hash instead of random ones.
"""

import string
from collections.abc import Mapping

from aurora_lambda_local.resources.resource_schemas import (
    ACCOUNT_ID,
    RESOURCE_SCHEMAS,
    Inputs,
    Outputs,
    ResourceSchema,
    format_template,
    text_digest,
)

ZONES = ("a", "b", "c")


def resource_outputs(type_token: str, name: str, inputs: Inputs, region: str) -> tuple[str, Outputs]:
    """Return the id and all outputs (inputs included) of the resource called `name` in the program.

    >>> resource_outputs("aws:iam/role:Role", "handler", {"name": "h"}, "eu-west-1")[1]["arn"]
    'arn:aws:iam::123456789012:role/h'
    """
    schema = RESOURCE_SCHEMAS.get(type_token) or ResourceSchema(name_key="name", arn=_unknown_arn(type_token))
    values = _template_values(schema, type_token, name, inputs, region)
    outputs: Outputs = {**schema.defaults, **inputs}
    if schema.name_key:
        outputs[schema.name_key] = values["name"]
    if schema.arn:
        outputs["arn"] = values["arn"] = format_template(schema.arn, values)
    outputs |= {key: format_template(template, values) for key, template in schema.outputs.items()}
    if "tags" in inputs:
        outputs["tagsAll"] = inputs["tags"]
    if schema.compute:
        outputs |= schema.compute(inputs, values)
    return format_template(schema.id, values), outputs


def lookup_result(function_token: str, arguments: Inputs, region: str) -> Outputs:
    """Return the result of an `aws.get_...` call in the program; only its arguments where the call is not known."""
    results: Mapping[str, Outputs] = {
        "aws:index/getRegion:getRegion": {"region": region, "name": region, "id": region},
        "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"},
        "aws:index/getCallerIdentity:getCallerIdentity": {
            "accountId": ACCOUNT_ID,
            "arn": f"arn:aws:iam::{ACCOUNT_ID}:root",
            "userId": ACCOUNT_ID,
            "id": ACCOUNT_ID,
        },
        "aws:index/getAvailabilityZones:getAvailabilityZones": {
            "names": [f"{region}{zone}" for zone in ZONES],
            "zoneIds": [f"{region}-az{number}" for number, _ in enumerate(ZONES, 1)],
            "id": region,
        },
        # Nothing is known here of a given VPC: each of its subnets is in a zone of its own.
        "aws:ec2/getSubnet:getSubnet": {"availabilityZoneId": arguments.get("id")},
        # `AWS:registry-password` in base64: nothing logs in to a registry here.
        "aws:ecr/getAuthorizationToken:getAuthorizationToken": {"authorizationToken": "QVdTOnJlZ2lzdHJ5LXBhc3N3b3Jk"},
    }
    return {**arguments, **results.get(function_token, {})}


def _template_values(schema: ResourceSchema, type_token: str, name: str, inputs: Inputs, region: str) -> dict[str, str]:
    digest = text_digest(type_token, name, *(str(inputs.get(key)) for key in schema.replace_on))
    number = int(digest, 16)
    alphabet = string.ascii_lowercase + string.digits
    given = {key: str(value) for key, value in inputs.items() if isinstance(value, str | int | float)}
    generated = {
        "logical_name": name,
        "digest": digest,
        "hex": digest[:17],
        "uuid": "-".join([digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]]),
        "letters": "".join(alphabet[number // 36**place % 36] for place in range(26)),
        "region": given.get("region", region),
        "account": ACCOUNT_ID,
    }
    return given | generated | {"name": _physical_name(schema, given, generated)}


def _physical_name(schema: ResourceSchema, given: Mapping[str, str], generated: Mapping[str, str]) -> str:
    """Return the name the program gives, its prefix and 26 digits as the AWS provider adds, or a generated one."""
    if name := given.get(schema.name_key):
        return name
    prefix = given.get(f"{schema.name_key}Prefix")
    name = f"{prefix}{generated['digest'][:26]}" if prefix else format_template(schema.generated_name, generated)
    return f"{name}.fifo" if given.get("fifoQueue") == "True" else name


def _unknown_arn(type_token: str) -> str:
    package, _, module = type_token.partition(":")
    return f"arn:aws:{module.partition('/')[0]}:{{region}}:{{account}}:{{name}}" if package == "aws" else ""
