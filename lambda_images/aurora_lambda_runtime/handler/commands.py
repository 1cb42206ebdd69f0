"""Direct invocations: `{"command": ...}` names one of the application's commands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aurora_lambda_runtime.database.transactions import Database
from aurora_lambda_runtime.handler.json_values import to_plain
from aurora_lambda_runtime.handler.results import require_result
from aurora_lambda_runtime.payload import CommandError, parse_payload, shorten


@dataclass(frozen=True)
class Invocation:
    """One invocation of a command; `request_id` is Lambda's `aws_request_id`."""

    payload: Mapping[str, object]
    request_id: str
    database: Database

    def whole_number(self, name: str, default: int, allowed: range) -> int:
        """Return a number of the payload.

        Raises:
            CommandError: it is not a whole number, or not in `allowed`.
        """
        number = self.payload.get(name, default)
        if isinstance(number, bool) or not isinstance(number, int) or number not in allowed:
            expected = f"a whole number from {allowed[0]} to {allowed[-1]}"
            raise CommandError(f"{name} is {shorten(number)}; must be {expected}")
        return number


Command = Callable[[Invocation], object]
Commands = Mapping[str, Command]


def run_command(commands: Commands, event: object, request_id: str, database: Database) -> object:
    """Return what the command that `event` names returns, as JSON has it; the first command if it names none.

    Raises:
        CommandError: the command is unknown, or an argument is out of its range.
        TypeError: the result is nothing that JSON can hold.
    """
    if not commands:
        raise CommandError("this function has no commands: write one in the application's commands.py")
    name, payload = parse_payload(event, list(commands))
    result = commands[name](Invocation(payload, request_id, database))
    require_result(commands[name], result)
    return to_plain(result)
