"""Finding the function that answers an HTTP request."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from aurora_lambda_runtime.handler.http import HttpError, Request, Response
from aurora_lambda_runtime.handler.results import require_response

Route = Callable[[Request], Response]
Methods = Mapping[str, Route]
# By path, then by method; `{name}` in a path stands for one segment, which the request's `parameters` hold.
Routes = Mapping[str, Methods]


class Router:
    """Finds routes by path and method."""

    def __init__(self, routes: Routes) -> None:
        self._fixed = {path: methods for path, methods in routes.items() if "{" not in path}
        self._patterns = [
            (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), methods)
            for path, methods in routes.items()
            if "{" in path
        ]

    def answer(self, request: Request) -> Response:
        """Return what the route of `request` returns.

        Raises:
            HttpError: there is no such path, the method is not allowed there, or the route raises it.
        """
        methods, parameters = self._find(request.path)
        if request.method not in methods:
            allowed = ", ".join(sorted(methods))
            raise HttpError(405, f"{request.method} is not allowed here; {allowed} is", {"Allow": allowed})
        route = methods[request.method]
        response = route(replace(request, parameters=parameters))
        require_response(route, response)
        return response

    def _find(self, path: str) -> tuple[Methods, Mapping[str, str]]:
        if path in self._fixed:
            return self._fixed[path], {}
        for pattern, methods in self._patterns:
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        raise HttpError(404, "Not found")
