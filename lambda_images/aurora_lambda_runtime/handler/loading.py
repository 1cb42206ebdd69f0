"""Reading an application's package: its commands, and its routes or its web framework's application."""

from collections.abc import Mapping

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.contract import DATABASE_ROUTES
from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.handler.web import web_application


class ApplicationError(Exception):
    """The application's package does not have what it must, or has too much."""


def load_application(package: ApplicationPackage, environment: Mapping[str, str]) -> Application:
    """Import the modules `commands`, and `web` or `routes`, as far as the package has them, and return what they say.

    Raises:
        ApplicationError: there are both `web` and `routes`, or one lacks what it is there for.
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
    return Application(
        commands=modules["commands"].COMMANDS if "commands" in modules else {},
        routes=routes.ROUTES if routes else {},
        tables=getattr(routes or modules.get("web"), "TABLES", ()),
        web=web_application(modules["web"].app) if has_web else None,
        database_routes=environment.get(DATABASE_ROUTES) == "true",
    )
