"""Starts a function as `python -m awslambdaric HANDLER` does, where awslambdaric lacks its native module.

It has that module on Linux alone. This file is run by a function's own interpreter, which has awslambdaric and nothing
of this package.
"""

import os
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPMessage
from urllib.parse import quote

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient

INVOCATION = "/2018-06-01/runtime/invocation"
FIRST_FAILURE = 300


class PythonRuntimeClient(LambdaRuntimeClient):
    """The part of awslambdaric's client that is native, in Python: the next event and what became of it.

    Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
    """

    def wait_next_invocation(self) -> InvocationRequest:
        """Wait for the next event."""
        headers, body = self._exchange("GET", "next")
        return InvocationRequest(
            invoke_id=headers["Lambda-Runtime-Aws-Request-Id"],
            x_amzn_trace_id=headers["Lambda-Runtime-Trace-Id"],
            invoked_function_arn=headers["Lambda-Runtime-Invoked-Function-Arn"],
            deadline_time_in_ms=int(headers["Lambda-Runtime-Deadline-Ms"]),
            client_context=headers["Lambda-Runtime-Client-Context"],
            cognito_identity=headers["Lambda-Runtime-Cognito-Identity"],
            tenant_id=headers["Lambda-Runtime-Aws-Tenant-Id"],
            content_type=headers["Content-Type"],
            event_body=body,
            invocation_id=headers["Lambda-Runtime-Invocation-Id"],
        )

    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: str | bytes,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        """Send a function's answer."""
        body = result_data if isinstance(result_data, bytes) else result_data.encode()
        self._exchange("POST", f"{quote(invoke_id)}/response", body, {"Content-Type": content_type})

    def post_invocation_error(
        self, invoke_id: str, error_response_data: str, xray_fault: str, invocation_id: str | None = None
    ) -> None:
        """Send a function's error."""
        self._exchange("POST", f"{quote(invoke_id)}/error", error_response_data.encode())

    def _exchange(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[HTTPMessage, bytes]:
        connection = HTTPConnection(self.lambda_runtime_address)
        try:
            connection.request(method, f"{INVOCATION}/{path}", body, dict(headers or {}))
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= FIRST_FAILURE:
            raise RuntimeError(f"the Runtime API answers {method} {path} with status {response.status}")
        return response.headers, answer


if __name__ == "__main__":
    bootstrap.run(sys.argv[1], PythonRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"]))
