"""How the text of a configuration value is read: a parser gives the value, or a ValueError that says what it takes."""

import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

Parser = Callable[[str], Any]

# fmt: off
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
                      3653)
# fmt: on


def choice(*allowed: str) -> Parser:
    """One of `allowed`."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"it takes {' or '.join(allowed)}")
        return value

    return parse


def integer(minimum: int, maximum: int, unit: str) -> Parser:
    """A whole number of `unit` in a range, both ends included."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?\d{1,9}", value) or not minimum <= int(value) <= maximum:
            raise ValueError(f"it takes a whole number of {unit} from {minimum} to {maximum}")
        return int(value)

    return parse


def capacity(minimum: float) -> Parser:
    """Aurora capacity units come in halves, up to 256. Source: Aurora user guide, Serverless v2 capacity."""

    def parse(value: str) -> float:
        if not re.fullmatch(r"\d{1,3}(\.[05])?", value) or not minimum <= float(value) <= 256:  # noqa: PLR2004
            raise ValueError(f"it takes Aurora capacity units from {minimum:g} to 256 in steps of 0.5")
        return float(value)

    return parse


def boolean(value: str) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):
        raise ValueError("it takes true or false")
    return value == "true"


def matching(pattern: str, description: str) -> Parser:
    """A text of this form."""

    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"it takes {description}")
        return value

    return parse


def strings(value: str) -> tuple[str, ...]:
    """A list of strings, as JSON."""
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = None
    if not isinstance(parsed, list) or not all(isinstance(item, str) for item in parsed):
        raise ValueError("it takes a list of strings. Type: pulumi config set --path 'subnetIds[0]' subnet-0a1b2c3d")
    return tuple(parsed)


def cidr_block(value: str) -> str:
    """A range whose sixteenths are subnets that AWS takes, /28 the smallest. Source: Amazon VPC user guide."""
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        network = None
    if network is None or not 16 <= network.prefixlen <= 24:  # noqa: PLR2004
        raise ValueError("it takes an IPv4 range from /16 to /24, such as 10.0.0.0/16")
    return value


def identifier(reserved: str) -> Parser:
    """At most 32 characters, which is what MySQL takes for a user; `reserved` names are the servers' own."""

    def parse(value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", value):
            raise ValueError("it takes a lower-case name of letters, digits and _, at most 32 characters")
        if re.fullmatch(reserved, value):
            raise ValueError("the database server has that name for itself; choose another")
        return value

    return parse


def retention(value: str) -> int:
    """Source: CloudWatch Logs API reference, PutRetentionPolicy."""
    if value not in map(str, LOG_RETENTION_DAYS):
        raise ValueError(f"it takes one of {', '.join(map(str, LOG_RETENTION_DAYS))} days")
    return int(value)
