"""The application on a migrated database, spoken to as Lambda does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambda_images.handler.application import Application


@dataclass
class Context:
    """Lambda's context object, as far as the handler reads it."""

    aws_request_id: str = "6f1c5a4e-0000-4000-8000-000000000000"
    remaining: int = 15_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Client:
    """Invokes an application directly and by HTTP."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def close(self) -> None:
        """Leave no connection behind."""
        self.application.engine.dispose()
        self.application.connector.close()

    def invoke(self, event: Any, context: Context | None = None) -> Any:
        """A direct invocation."""
        return self.application.handle(event, context or Context())

    def http(self, method: str, path: str, body: Any = None, **event: Any) -> Answer:
        """A function URL request; a body that is no string is sent as JSON."""
        path, _, query = path.partition("?")
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        request = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "requestContext": {"http": {"method": method, "path": path}},
            "isBase64Encoded": False,
            **({} if text is None else {"body": text}),
            **event,
        }
        answer = self.application.handle(request, Context())
        assert set(answer) == {"statusCode", "headers", "body"}
        assert answer["headers"]["Content-Type"] == "application/json"
        return Answer(answer["statusCode"], json.loads(answer["body"]), answer["headers"])
