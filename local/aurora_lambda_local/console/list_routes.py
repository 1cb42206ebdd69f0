"""Lists what answers a function's URL. A function's own interpreter runs this, on the code that is deployed.

It prints a JSON list of methods and paths: those of `routes.py`, or of a web framework that tells its own.
"""

import importlib
import json
import os

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.database.contract import DATABASE_ROUTES
from aurora_lambda_runtime.handler.database_routes import database_routes


def _of_framework(app: object) -> list[tuple[str, str]]:
    """Return the routes of FastAPI, Starlette, Litestar (`routes`) or Flask (`url_map`); of others none are known."""
    if url_map := getattr(app, "url_map", None):
        found = [(rule.methods, rule.rule) for rule in url_map.iter_rules()]
    else:
        found = [
            (getattr(each, "methods", None) or ["GET"], each.path)
            for each in getattr(app, "routes", None) or []
            if hasattr(each, "path")
        ]
    return [(str(method), str(path)) for methods, path in found for method in methods]


def main() -> None:
    """Print the routes."""
    package = ApplicationPackage.of_environment()
    if package.has("web"):
        found = _of_framework(importlib.import_module(f"{package.name}.web").app)
    else:
        routes = package.module("routes").ROUTES if package.has("routes") else {}
        found = [(method, path) for path, methods in routes.items() for method in methods]
    if os.environ.get(DATABASE_ROUTES) == "true":
        found += [(method, path) for path, methods in database_routes(()).items() for method in methods]
    print(json.dumps([each for each in dict.fromkeys(found) if each[0] not in ("HEAD", "OPTIONS")]))


main()
