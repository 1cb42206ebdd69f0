"""An application, spoken to as Lambda does."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aurora_lambda_local.testing.client import Context
from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings
from aurora_lambda_runtime.handler.dispatcher import Application, Dispatcher


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: Any
    headers: Mapping[str, str]
    cookies: Sequence[str] = ()

    @property
    def error(self) -> tuple[int, str]:
        """The status and the message of an answer that is an error and nothing else."""
        assert set(self.body) == {"error"}
        return self.status, self.body["error"]


class Client:
    """Invokes an application, on the database of `environment`, directly and by HTTP."""

    def __init__(self, application: Application, environment: Mapping[str, str]) -> None:
        self.dispatcher = Dispatcher(Connector(database_settings(environment)), application)

    def close(self) -> None:
        """Leave no connection behind."""
        self.dispatcher.database.transactions.dispose()
        self.dispatcher.connector.close()

    def invoke(self, event: Any, context: Context | None = None) -> Any:
        """Invoke it directly."""
        return self.dispatcher.handle(event, context or Context())

    def http(self, method: str, path: str, body: Any = None, context: Context | None = None, **event: Any) -> Answer:
        """Send a function URL request; a body that is no string is sent as JSON."""
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
        answer = self.dispatcher.handle(request, context or Context())
        assert isinstance(answer, dict)
        assert set(answer) <= {"statusCode", "headers", "body", "cookies", "isBase64Encoded"}
        headers = {name.title(): value for name, value in answer["headers"].items()}
        text = answer["body"]
        body = base64.b64decode(text) if answer.get("isBase64Encoded") else text
        is_json = text and headers.get("Content-Type") == "application/json"
        return Answer(answer["statusCode"], json.loads(text) if is_json else body, headers, answer.get("cookies", ()))
