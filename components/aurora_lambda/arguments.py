"""Arguments of components: a default, the values allowed, and one message for all that are not."""

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NotRequired, TypeVar, cast, get_args, get_origin

import pulumi

Value = str | int | float | bool | tuple[str, ...]
ValueType = Literal["string", "integer", "number", "boolean", "array"]
Args = TypeVar("Args", bound=Mapping[str, object])
Given = TypeVar("Given")
Made = TypeVar("Made")

MAX_CAPACITY_UNITS = 256
RECOVERY_DAYS = range(7, 31)
SECONDS_PER_DAY = 86_400
# What a queue keeps messages for at most. Source: Amazon SQS API reference, SetQueueAttributes.
QUEUE_DAYS = 14
# Below: CloudWatch Logs API reference, PutRetentionPolicy.
# fmt: off
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
                      3653)
# fmt: on


@dataclass(frozen=True)
class Argument:
    """One argument of a component: its default, and which values it takes.

    `takes` ends the sentence "must be ..."; a `default` of None says that there is none; `choices` are all values
    allowed, where they are few; `items` is the type of an array's items.
    """

    type: ValueType
    takes: str
    allows: Callable[[Any], bool]
    default: Value | None = None
    choices: tuple[str, ...] = ()
    items: Literal["string", "object"] = "string"

    def description(self) -> str:
        """Return what the argument takes and its default, as sentences for a reader of any language."""
        takes = "" if self.type == "boolean" else f"Takes {self.takes}."
        default = "" if self.default is None else f"Default: `{json.dumps(self.default).strip(chr(34))}`."
        return f"{takes} {default}".strip()

    def check(self, value: Value) -> Value:
        """Return `value`; a whole number that came as floating point, as all numbers do over the wire, as an int.

        Raises:
            ValueError: it is not allowed; the message says what is.
        """
        if self.type == "integer" and isinstance(value, float) and value.is_integer():
            value = int(value)
        if not _is_of_type(self.type, value) or not self.allows(value):
            raise ValueError(f"must be {self.takes}")
        return value


def map_input(value: pulumi.Input[Given], function: Callable[[Given], Made]) -> pulumi.Input[Made]:
    """Return what `function` makes of `value`: at once, or of an output once it is known."""
    if _is_output(value):
        return pulumi.Output.from_input(value).apply(function)
    return function(cast(Given, value))


def without_none(args: Args) -> Args:
    """Return the arguments without those that are None: they are not given, as in Pulumi's own resources."""
    return cast(Args, {key: value for key, value in args.items() if value is not None})


def suggestion(name: str, names: Iterable[str]) -> str:
    """Return the question whether somebody meant one of `names` by `name`; empty where none is near."""
    near = get_close_matches(name, [*names], n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def known_arguments(component: str, name: str, args: Args, known: Any) -> Args:
    """Return the arguments of a component that are given; the TypedDict `known` is what it takes.

    Raises:
        ValueError: it does not take one of them, or not as an output, or needs another one.
    """
    component, keys = f"{component} {name!r}", known.__annotations__.keys()
    for key in (each for each in args if each not in keys):
        remedy = suggestion(key, keys) or f"available: {', '.join(keys)}"
        raise ValueError(f"{component}: there is no argument {key!r}; {remedy}")
    given = without_none(args)
    if missing := [key for key in keys if key in known.__required_keys__ and key not in given]:
        raise ValueError(f"{component} needs {', '.join(missing)}")
    annotations = known.__annotations__
    # Python takes an output for true, whatever it holds.
    if later := [key for key, value in given.items() if _is_output(value) and not _takes_outputs(annotations[key])]:
        raise ValueError(f"{component}: {', '.join(later)} must be plain: needed before any output is known")
    return given


def check_arguments(component: str, name: str, args: Args, arguments: Mapping[str, Argument]) -> Args:
    """Return `args` with the defaults of `arguments` filled in. A value that is an output is checked once it is known.

    Raises:
        ValueError: a value that is not allowed; the message names the component, the argument and what it takes.
    """
    values = {key: args.get(key, argument.default) for key, argument in arguments.items()}
    checked = {key: check_value(f"{component} {name!r}: {key}", value, arguments[key]) for key, value in values.items()}
    return cast(Args, {**args, **without_none(checked)})


def check_value(path: str, value: Any, argument: Argument) -> pulumi.Input[Any]:
    """Return the value of an argument, checked as `check_arguments` does; `path` is what its message begins with."""

    def check(value: Any) -> Any:
        try:
            return argument.check(value)
        except ValueError as error:
            raise ValueError(f"{path} is {value!r}; {error}") from None

    return None if value is None else map_input(value, check)


def choice(*allowed: str, default: str | None = None) -> Argument:
    """Return an argument that takes one of `allowed`."""
    takes = " or ".join([*([", ".join(allowed[:-1])] if allowed[1:] else []), allowed[-1]])
    return Argument("string", takes, lambda value: value in allowed, default, allowed)


def text(pattern: str, takes: str, default: str | None = None) -> Argument:
    """Return an argument that takes what the regular expression `pattern` matches in full; digits are ASCII."""
    return Argument("string", takes, lambda value: bool(re.fullmatch(pattern, str(value), re.ASCII)), default)


def strings(pattern: str, takes: str) -> Argument:
    """Return an argument that takes a list of strings, each matched in full by the regular expression `pattern`."""
    return Argument("array", takes, lambda items: all(re.fullmatch(pattern, item, re.ASCII) for item in items), ())


def objects(takes: str) -> Argument:
    """Return an argument that takes a list of objects."""
    return Argument("array", takes, lambda items: all(isinstance(item, dict) for item in items), (), items="object")


def flag(*, default: bool) -> Argument:
    """Return an argument that takes true or false."""
    return Argument("boolean", "true or false", lambda value: isinstance(value, bool), default)


def whole_number(
    minimum: int, maximum: int, unit: str, default: int | None = None, *, or_minus_one: bool = False
) -> Argument:
    """Return an argument that takes a whole number of `unit` in a range, both ends included, or on request also -1."""
    takes = f"{'-1 or ' if or_minus_one else ''}a whole number of {unit} from {minimum} to {maximum}"
    allowed = range(minimum, maximum + 1)
    return Argument("integer", takes, lambda value: value in allowed or (or_minus_one and value == -1), default)


def capacity(minimum: float, default: float) -> Argument:
    """Return an argument that takes Aurora capacity units: halves, at most 256.

    Source: Aurora user guide, "Performance and scaling for Aurora Serverless v2".
    """
    takes = f"Aurora capacity units from {minimum:g} to {MAX_CAPACITY_UNITS} in steps of 0.5"
    return Argument("number", takes, lambda units: minimum <= units <= MAX_CAPACITY_UNITS and units % 0.5 == 0, default)


def identifier(reserved: str, default: str | None) -> Argument:
    """Return an argument that takes the name of a database object, at most 32 characters: MySQL's limit for a user.

    `reserved` is a regular expression of the names that database servers keep for themselves.
    """
    takes = "a lower-case name of letters, digits and _, at most 32 characters, that no database server uses itself"
    return text(rf"(?!(?:{reserved})$)[a-z][a-z0-9_]{{0,31}}", takes, default)


def recovery_days(default: int) -> Argument:
    """Return an argument that takes the days that Secrets Manager can keep a deleted secret.

    Source: AWS Secrets Manager API reference, DeleteSecret.
    """
    takes = f"0 or a whole number of days from {RECOVERY_DAYS.start} to {RECOVERY_DAYS.stop - 1}"
    return Argument("integer", takes, lambda value: value == 0 or value in RECOVERY_DAYS, default)


def log_retention(default: int) -> Argument:
    """Return an argument that takes the numbers of days that CloudWatch Logs can keep logs for."""
    days = ", ".join(map(str, LOG_RETENTION_DAYS))
    return Argument("integer", f"one of {days} days", lambda value: value in LOG_RETENTION_DAYS, default)


def cidr_block(default: str) -> Argument:
    """Return an argument that takes an IPv4 range whose sixteenths AWS takes as subnets, a /28 being the smallest.

    Source: Amazon VPC user guide, "Subnet CIDR blocks".
    """

    def allows(value: str) -> bool:
        try:
            return ipaddress.IPv4Network(value).prefixlen in range(16, 25)
        except ValueError:
            return False

    return Argument("string", "an IPv4 range from /16 to /24, such as 10.0.0.0/16", allows, default)


ARCHITECTURE = choice("arm64", "x86_64", default="arm64")
KMS_KEY = text(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+", "the ARN of a KMS key")
SNS_TOPIC = text(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]+", "the ARN of an SNS topic")

_PYTHON_TYPES: Mapping[ValueType, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
}


def _is_output(value: object) -> bool:
    return isinstance(value, pulumi.Output | Awaitable)


def _takes_outputs(annotation: object) -> bool:
    """Return whether an argument of this type is an `Input`, which another resource may give."""
    given = get_args(annotation)[0] if get_origin(annotation) is NotRequired else annotation
    return any(get_origin(each) is Awaitable for each in get_args(given))


def _is_of_type(type_: ValueType, value: object) -> bool:
    return isinstance(value, _PYTHON_TYPES[type_]) and (type_ == "boolean" or not isinstance(value, bool))
