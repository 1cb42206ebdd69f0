"""Checks of what functions of an application return: nothing that has yet to run is taken for a result."""

import inspect
from collections.abc import Callable

AWAIT = "functions here are called, not awaited: write `def`, and asyncio.run(...) inside where a library needs it"


def refuse_deferred(function: Callable[..., object]) -> None:
    """Refuse a function whose call runs nothing yet.

    Raises:
        TypeError: it is an `async def` or a generator.
    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function_name(function)} is an async def, of which a call runs nothing: {AWAIT}")
    if inspect.isgeneratorfunction(function):
        raise TypeError(f"{function_name(function)} is a generator, of which a call runs nothing: {AWAIT}")


def require_result(function: Callable[..., object], result: object) -> None:
    """Refuse a result that has yet to run, as of a function that wraps an `async def`.

    Raises:
        TypeError: it is a coroutine, a generator or an awaitable.
    """
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError(f"{function_name(function)} returned {type(result).__name__}, which has yet to run: {AWAIT}")


def require_nothing(function: Callable[..., object], result: object) -> None:
    """Refuse a result of a function that has none to give.

    Raises:
        TypeError: it is not None; a list of failures, say, would be taken for success.
    """
    require_result(function, result)
    if result is not None:
        raise TypeError(
            f"{function_name(function)} returned {type(result).__name__}: a record is done when its function returns"
            " nothing, and failed when it raises"
        )


def function_name(function: Callable[..., object]) -> str:
    """Return how messages name a function."""
    return getattr(function, "__qualname__", repr(function))
