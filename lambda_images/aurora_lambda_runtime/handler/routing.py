"""Finding the function that answers an HTTP request."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from aurora_lambda_runtime.handler.http import Answer, HttpError, Request, Response
from aurora_lambda_runtime.handler.results import function_name, require_result

Route = Callable[[Request], Answer]
Methods = Mapping[str, Route]
# By path, then by method; `{name}` in a path stands for one segment, which the request's `parameters` hold.
Routes = Mapping[str, Methods]

_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)\}")


class Router:
    """Finds routes by path and method. A path matches as it is written: its case counts, and a slash at its end."""

    def __init__(self, routes: Routes) -> None:
        """Take the routes.

        Raises:
            ValueError: a path is none, or names a parameter twice.
        """
        patterns = {path: _segment_patterns(path) for path in routes}
        self._fixed = {tuple(path.split("/")): methods for path, methods in routes.items() if "{" not in path}
        self._patterns = [(patterns[path], methods) for path, methods in routes.items() if "{" in path]

    def answer(self, request: Request) -> Response:
        """Return what the route of `request` returns; HEAD is answered by the route of GET.

        Raises:
            HttpError: there is no such path, the method is not allowed there, or the route raises it.
        """
        found = self._find(request.segments)
        if found is None:
            raise HttpError(404, "Not found")
        methods, parameters = found
        method = "GET" if request.method == "HEAD" and "HEAD" not in methods else request.method
        if method not in methods:
            allowed = ", ".join(sorted(methods))
            raise HttpError(405, f"{request.method} is not allowed here; {allowed} is", {"Allow": allowed})
        route = methods[method]
        return response_of(route, route(replace(request, parameters=parameters)))

    def has(self, request: Request) -> bool:
        """Return whether there is a route for the path of `request`."""
        return self._find(request.segments) is not None

    def _find(self, segments: Sequence[str]) -> tuple[Methods, Mapping[str, str]] | None:
        if methods := self._fixed.get(tuple(segments)):
            return methods, {}
        for patterns, methods in self._patterns:
            if len(patterns) == len(segments):
                matches = [pattern.fullmatch(segment) for pattern, segment in zip(patterns, segments, strict=True)]
                if all(matches):
                    return methods, {
                        name: value for match in matches if match for name, value in match.groupdict().items()
                    }
        return None


def response_of(route: Callable[..., object], result: object) -> Response:
    """Return the response that a route's result stands for.

    Raises:
        TypeError: it is neither a `Response` nor a status and a mapping.
        ValueError: there is no such status.
    """
    require_result(route, result)
    match result:
        case Response():
            return result
        case (int(status), Mapping() as body):
            return Response(status, body)
    raise TypeError(
        f"{function_name(route)} returned {type(result).__name__}: a route returns a Response, or a status and a"
        " mapping, as in 200, {}"
    )


def _segment_patterns(path: str) -> Sequence[re.Pattern[str]]:
    """Return a regular expression for each segment of a route's path, in which each parameter is a group."""
    names = _PARAMETER.findall(path)
    if not path.startswith("/") or "{" in _PARAMETER.sub("", path):
        raise ValueError(f"the route {path!r} is no path: it must be like /users/{{id}}/posts")
    if len(set(names)) < len(names):
        raise ValueError(f"the route {path!r} names a parameter twice")
    return [_segment_pattern(segment) for segment in path.split("/")]


def _segment_pattern(segment: str) -> re.Pattern[str]:
    # What is split off stands at every other place: the names.
    parts = [f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(_PARAMETER.split(segment))]
    return re.compile("".join(parts), re.DOTALL)
