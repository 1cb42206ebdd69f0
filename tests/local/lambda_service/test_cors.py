"""The CORS settings of a function URL, case by case."""

from email.message import Message

import pytest

from aurora_lambda_local.lambda_service.function_url import CorsSettings
from aurora_lambda_local.platform.http_server import Request

PAGE = "https://app.example.com"
SETTINGS = CorsSettings.from_inputs(
    {
        "allowOrigins": [PAGE],
        "allowMethods": ["GET", "POST"],
        "allowHeaders": ["content-type"],
        "exposeHeaders": ["x-total"],
        "maxAge": 300,
        "allowCredentials": True,
    }
)


def headers(**given: str) -> Message:
    """Return headers; underscores stand for hyphens."""
    message = Message()
    for name, value in given.items():
        message[name.replace("_", "-")] = value
    return message


def preflight(settings: CorsSettings, method: str = "OPTIONS", **given: str) -> tuple[int, dict[str, str]] | None:
    """Return status and headers of the response to a preflight request; None when it is none."""
    response = settings.preflight_response(Request(method, "/", "", headers(**given), b""))
    return None if response is None else (int(response.status), dict(response.headers))


def test_a_preflight_request_of_an_allowed_page_is_answered_from_the_settings() -> None:
    """A page that works with the URL on AWS could not be developed against this machine."""
    assert preflight(SETTINGS, Origin=PAGE, Access_Control_Request_Method="POST") == (
        200,
        {
            "Access-Control-Allow-Origin": PAGE,
            "Vary": "Origin",
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": "GET,POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": "300",
        },
    )


def test_a_preflight_request_of_another_page_is_granted_nothing() -> None:
    """Any page that the developer visits could use the URL."""
    other = "https://evil.example.com"
    assert preflight(SETTINGS, Origin=other, Access_Control_Request_Method="POST") == (200, {})
    assert SETTINGS.response_headers(headers(Origin=other)) == []


@pytest.mark.parametrize(
    "given",
    [{}, {"Origin": PAGE}, {"Access_Control_Request_Method": "GET"}],
)
def test_other_options_requests_are_the_functions(given: dict[str, str]) -> None:
    """A function that answers OPTIONS itself would never be asked."""
    assert preflight(SETTINGS, **given) is None


def test_only_options_requests_are_preflight_requests() -> None:
    """A request would get an empty answer instead of the function's."""
    assert preflight(SETTINGS, "GET", Origin=PAGE, Access_Control_Request_Method="GET") is None


def test_a_response_to_an_allowed_page_names_it() -> None:
    """The browser would keep the response from the page."""
    assert SETTINGS.response_headers(headers(Origin=PAGE)) == [
        ("Access-Control-Allow-Origin", PAGE),
        ("Vary", "Origin"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "x-total"),
    ]


def test_all_origins_are_one_star() -> None:
    """A cache in between would keep one page's answer from another."""
    everyone = CorsSettings.from_inputs({"allowOrigins": ["*"]})
    assert everyone.response_headers(headers(Origin=PAGE)) == [("Access-Control-Allow-Origin", "*")]
    assert preflight(everyone, Origin=PAGE, Access_Control_Request_Method="PUT") == (
        200,
        {"Access-Control-Allow-Origin": "*"},
    )


def test_a_request_that_no_page_sent_gets_no_such_headers() -> None:
    """Curl's output would differ from what it is on AWS."""
    assert SETTINGS.response_headers(headers(Host="x")) == []
