"""Reading an application's package: its commands, and its routes or its web framework's application."""

from collections.abc import Mapping

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.contract import COMMAND, DATABASE_ROUTES
from aurora_lambda_runtime.handler.commands import Commands
from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.handler.web import web_application


class ApplicationError(Exception):
    """The application's package does not have what it must, or has too much."""


def load_application(package: ApplicationPackage, environment: Mapping[str, str]) -> Application:
    """Import the modules `commands`, and `web` or `routes`, as far as the package has them, and return what they say.

    Raises:
        ApplicationError: there are both `web` and `routes`, one lacks what it is there for, or the command that the
            function runs is not there.
    """
    has_web = package.has("web")
    if has_web and package.has("routes"):
        raise ApplicationError(
            f"{package.name} has both web.py and routes.py, and only one can answer requests: delete one of them"
        )
    names = {"commands": "COMMANDS", **({"web": "app"} if has_web else {"routes": "ROUTES"})}
    modules = {name: package.module(name) for name in names if package.has(name)}
    for name, module in modules.items():
        if not hasattr(module, names[name]):
            raise ApplicationError(f"{package.name}/{name}.py must define {names[name]}")
    routes = modules.get("routes")
    commands = modules["commands"].COMMANDS if "commands" in modules else {}
    return Application(
        commands=_default_first(commands, environment.get(COMMAND, ""), package.name),
        routes=routes.ROUTES if routes else {},
        tables=getattr(routes or modules.get("web"), "TABLES", ()),
        web=web_application(modules["web"].app) if has_web else None,
        database_routes=environment.get(DATABASE_ROUTES) == "true",
    )


def _default_first(commands: Commands, default: str, package: str) -> Commands:
    """Return the commands, in front the one that the function runs when its payload names none."""
    if not default:
        return commands
    if default not in commands:
        available = ", ".join(commands) or "none"
        raise ApplicationError(
            f"{package}/commands.py has no {default!r}, which this function runs; it has: {available}"
        )
    return {default: commands[default], **commands}
