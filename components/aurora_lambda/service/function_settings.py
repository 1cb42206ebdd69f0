"""What a stack's file gives to functions: environment variables, secrets to read and IAM statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aurora_lambda import policies
from aurora_lambda.access import PolicyStatement
from aurora_lambda.arguments import objects, strings
from aurora_lambda.secret import WHOLE_ARN
from aurora_lambda.service.keys import ConfigKey, config_key, declared_keys, parse_entries, read_entry
from aurora_lambda.service.stream_settings import NAME
from aurora_lambda_runtime.database.contract import secret_variable

TAKES = "a list of functions. Type: pulumi config set --path 'functions[0].name' handler"
# What Lambda reserves, and what this stack says itself. Source: AWS Lambda developer guide, "Defined runtime
# environment variables".
_RESERVED = (
    r"AWS_(?:REGION|DEFAULT_REGION|EXECUTION_ENV|LAMBDA_|ACCESS_KEY|SECRET_ACCESS_KEY|SESSION_TOKEN)"
    r"|LAMBDA_|AURORA_LAMBDA_|SQL_"
)
_STATEMENT_KEYS = ("Effect", "Action", "Resource")


@dataclass(frozen=True)
class FunctionSettings:
    """One entry of `functions`, checked: what a function gets besides what the program says."""

    name: str = config_key(
        NAME, "Name of the function: handler, migrations, a stream's, or one that the program adds.", ""
    )
    environment: tuple[str, ...] = config_key(
        strings(
            rf"(?!{_RESERVED})[A-Za-z][A-Za-z0-9_]*=(?s:.*)",
            "a list of NAME=VALUE whose names neither Lambda nor the stack uses",
        ),
        "Environment variables, which win over those of the program. Never a secret.",
    )
    secrets: tuple[str, ...] = config_key(
        strings(
            rf"[a-z][a-z0-9]*(-[a-z0-9]+)*={WHOLE_ARN}",
            "a list of NAME=ARN, each with a secret's whole ARN, such as stripe-key=arn:aws:secretsmanager:...",
        ),
        "Existing secrets that the function may read, by get_secret(NAME).",
    )
    policy_statements: tuple[PolicyStatement, ...] = config_key(
        objects("a list of IAM statements, each with Effect, Action and Resource"),
        "Further IAM statements of the function's role.",
    )

    @property
    def secret_arns(self) -> dict[str, str]:
        """The secrets' ARNs by their names."""
        return _pairs(self.secrets)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables, those of the secrets included."""
        secrets = {secret_variable(name): arn for name, arn in self.secret_arns.items()}
        return {**_pairs(self.environment), **secrets}

    @property
    def statements(self) -> list[PolicyStatement]:
        """The IAM statements, those of the secrets included."""
        arns = self.secret_arns.values()
        return [*([dict(policies.read_secret(*arns))] if arns else []), *self.policy_statements]


FUNCTION_KEYS: Mapping[str, ConfigKey] = declared_keys(FunctionSettings)


def read_functions(text: str) -> tuple[tuple[FunctionSettings, ...], list[str]]:
    """Return what a JSON list gives to functions, and every mistake in it, named by its index and key.

    Raises:
        ValueError: the text is not a list of objects.
    """
    functions, mistakes = [], []
    for index, entry in enumerate(parse_entries(text, TAKES)):
        values, wrong = read_entry(entry, FUNCTION_KEYS, ["name"], "a function")
        function = FunctionSettings(**values)
        wrong += _statement_mistakes(function.policy_statements)
        if function.name and function.name in [each.name for each in functions]:
            wrong.append(f"name is {function.name!r} again: say all of a function in one entry")
        functions.append(function)
        mistakes += [f"functions[{index}].{mistake}" for mistake in wrong]
    return tuple(functions), mistakes


def settings_of(functions: Sequence[FunctionSettings], name: str) -> FunctionSettings:
    """Return what the function of this name is given; nothing where the stack's file does not name it."""
    return next((function for function in functions if function.name == name), FunctionSettings(name))


def arns_of_secrets(functions: Sequence[FunctionSettings]) -> list[str]:
    """Return the ARNs of all secrets that functions may read, each once."""
    return [*dict.fromkeys(arn for function in functions for arn in function.secret_arns.values())]


def _statement_mistakes(statements: Sequence[PolicyStatement]) -> Iterator[str]:
    for index, statement in enumerate(statements):
        if missing := [key for key in _STATEMENT_KEYS if key not in statement]:
            yield f"policyStatements[{index}] lacks {' and '.join(missing)}"


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in texts)}
