"""What commands and routes may return."""

from collections.abc import Callable

import pytest

from aurora_lambda_runtime.handler.http import Response
from aurora_lambda_runtime.handler.results import require_result
from aurora_lambda_runtime.handler.routing import response_of


async def later() -> tuple[int, dict[str, object]]:
    return 200, {}


@pytest.mark.parametrize("require", [require_result, response_of])
def test_an_async_function_is_an_error_and_no_answer(require: Callable[..., None]) -> None:
    """The command would answer null, or the route 500, and nothing of what it does would have happened."""
    with pytest.raises(TypeError, match=r"^later returned coroutine, which has yet to run: functions here are called"):
        require(later, later())


@pytest.mark.parametrize("result", [None, {"a": 1}, (200, None), ("200", {}), (200, {}, {})], ids=str)
def test_a_route_returns_a_response_or_a_status_and_a_mapping(result: object) -> None:
    """Anything else ended in an error about unpacking, far from the route that returned it."""
    with pytest.raises(
        TypeError, match=r"^later returned \w+: a route returns a Response, or a status and a mapping, "
    ):
        response_of(later, result)
    assert response_of(later, (200, {})) == Response(200, {})
