"""A web framework's application in place of routes: any ASGI or WSGI application answers a function URL's requests."""

import inspect
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

# What the body of a WSGI application's answer is sent as text for; any other is sent in base64, in whatever encoding.
UTF_8_TYPES = (
    *(f"application/{kind}" for kind in ("json", "problem+json", "vnd.api+json")),
    *(f"text/{kind}; charset=utf-8" for kind in ("css", "csv", "html", "javascript", "plain", "xml")),
)
# An event and Lambda's context in, a response of payload format 2.0 out.
WebApplication = Callable[[Any, Any], dict[str, Any]]


def web_application(app: Callable[..., Any]) -> WebApplication:
    """Return what answers events by `app`, an ASGI application (FastAPI, say) or a WSGI application (Flask, say).

    An ASGI application's lifespan begins here, once for the execution environment, and never ends: Lambda does not say
    when it stops one.

    Raises:
        ModuleNotFoundError: the adapter is not installed.
    """
    is_asgi = inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__)
    try:
        return _asgi(app) if is_asgi else _wsgi(app)
    except ModuleNotFoundError as error:
        extra = "asgi" if is_asgi else "wsgi"
        raise ModuleNotFoundError(
            f"{error}: web.py needs aurora-lambda-runtime[{extra}] among the handler's requirements in pyproject.toml;"
            " then type make setup (in the repository of aurora-lambda itself: make setup lock)"
        ) from None


def _asgi(app: Callable[..., Any]) -> WebApplication:
    from mangum import Mangum  # noqa: PLC0415  An application has one of the two adapters, or none.
    from mangum.protocols import LifespanCycle  # noqa: PLC0415

    async def with_state(
        scope: MutableMapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        await app({**scope, "state": dict(lifespan.lifespan_state)}, receive, send)

    # Mangum's own lifespan would begin and end with each request.
    adapter = Mangum(with_state, lifespan="off")
    lifespan = LifespanCycle(app, "auto")
    lifespan.__enter__()
    return adapter


def _wsgi(app: Callable[..., Any]) -> WebApplication:
    from apig_wsgi import make_lambda_handler  # noqa: PLC0415

    def with_joined_headers(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return app(environ, lambda status, headers, *more: start_response(status, _joined(headers), *more))

    return make_lambda_handler(with_joined_headers, non_binary_content_type_prefixes=UTF_8_TYPES)


def _joined(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return one header for each name, as a function URL takes them: the adapter keeps the last, but of cookies all."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    cookies = [("set-cookie", value) for value in values.pop("set-cookie", [])]
    return [*((name, ",".join(all_of_it)) for name, all_of_it in values.items()), *cookies]
