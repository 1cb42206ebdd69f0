"""The Lambda API for callers such as boto3 and `aws --endpoint-url`.

Source: AWS Lambda API reference, Invoke, GetFunction, ListFunctions, ListVersionsByFunction, ListAliases, UpdateAlias.
"""

import base64
import json
import re
import threading
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, unquote

from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.function import Function, InvocationResult, ThrottledError
from aurora_lambda_local.platform.http_server import HttpServer, Request, Response

REQUEST_LIMIT = 6 * 1024 * 1024
EVENT_LIMIT = 1024 * 1024
_NAME = re.compile(r"(?:arn:[\w-]+:lambda:[\w-]+:\d{12}:function:|\d{12}:function:|function:)?([\w-]+)(?::([\w$-]+))?")


class _ApiError(Exception):
    """An error in the form in which Lambda answers it."""

    def __init__(self, status: HTTPStatus, error_type: str, message: str, **more: str) -> None:
        self.response = Response(
            status,
            json.dumps({"Type": "User", "Message": message, "message": message, **more}).encode(),
            (("Content-Type", "application/json"), ("x-amzn-ErrorType", error_type), _request_id()),
        )
        super().__init__(message)


class InvokeApi:
    """Serve the functions in `functions` (by name), which may change at any time."""

    def __init__(self, functions: Mapping[str, DeployedFunction], port: int) -> None:
        self._functions = functions
        self._server = HttpServer(self._handle, port)
        self.endpoint = f"http://{self._server.address}"

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def _handle(self, request: Request) -> Response:
        try:
            return self._route(request)
        except _ApiError as error:
            return error.response

    def _route(self, request: Request) -> Response:
        match request.method, *map(unquote, request.path.strip("/").split("/")):
            case "POST", _, "functions", name, "invocations":
                return self._invoke(self._find(name, request.query), request)
            case "GET", _, "functions":
                return _json_response({"Functions": [_configuration(each.latest) for each in self._functions.values()]})
            case "GET", _, "functions", name, "versions":
                return _json_response({"Versions": _versions(self._deployed(name)[0])})
            case "GET", _, "functions", name, "aliases":
                aliases = self._deployed(name)[0].aliases
                return _json_response({"Aliases": [_alias(*each) for each in aliases.items()]})
            case "PUT", _, "functions", name, "aliases", alias:
                return self._lead(self._deployed(name)[0], alias, request)
            case "GET", _, "functions", name, *more if more in ([], ["configuration"]):
                configuration = _configuration(self._find(name, request.query))
                return _json_response(configuration if more else {"Configuration": configuration, "Tags": {}})
        message = f"{request.method} {request.path} is not emulated here: invoking functions and going back are"
        raise _ApiError(HTTPStatus.NOT_FOUND, "UnknownOperationException", message)

    def _find(self, reference: str, query: str) -> Function:
        deployed, qualifier = self._deployed(reference)
        qualifier = qualifier or parse_qs(query).get("Qualifier", [""])[0]
        if build := deployed.find(qualifier):
            return build
        raise self._not_found(f"{deployed.latest.config.name}:{qualifier}")

    def _deployed(self, reference: str) -> tuple[DeployedFunction, str]:
        """Return the function of a name or an ARN, and the version or alias in that; empty where it has none."""
        match = _NAME.fullmatch(reference)
        if match and match[1] in self._functions:
            return self._functions[match[1]], match[2] or ""
        raise self._not_found(reference)

    def _not_found(self, reference: str) -> _ApiError:
        there = ", ".join(sorted(self._functions)) or "none"
        message = f"Function not found: {reference}. There are: {there}"
        return _ApiError(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", message)

    def _lead(self, deployed: DeployedFunction, alias: str, request: Request) -> Response:
        version = json.loads(_payload(request.body, REQUEST_LIMIT)).get("FunctionVersion")
        if alias not in deployed.aliases or version not in deployed.versions:
            raise self._not_found(f"{deployed.latest.config.name}:{alias}, version {version}")
        deployed.lead(alias, version)
        return _json_response(_alias(alias, version))

    def _invoke(self, function: Function, request: Request) -> Response:
        invocation_type = request.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        payload = _payload(request.body, EVENT_LIMIT if invocation_type == "Event" else REQUEST_LIMIT)
        context = _client_context(request.headers.get("X-Amz-Client-Context"))
        match invocation_type:
            case "DryRun":
                return Response(HTTPStatus.NO_CONTENT, headers=(_request_id(), _executed(function)))
            case "Event":
                request_id = str(uuid.uuid4())
                threading.Thread(target=function.invoke_event, args=(payload, context, request_id), daemon=True).start()
                return Response(HTTPStatus.ACCEPTED, headers=(_request_id(request_id), _executed(function)))
            case "RequestResponse":
                tail = request.headers.get("X-Amz-Log-Type") == "Tail"
                return _invocation_response(_run(function, payload, context), _executed(function), tail=tail)
        message = f"InvocationType {invocation_type!r} is not one of RequestResponse, Event, DryRun"
        raise _ApiError(HTTPStatus.BAD_REQUEST, "InvalidParameterValueException", message)


def _executed(function: Function) -> tuple[str, str]:
    return "X-Amz-Executed-Version", function.config.version


def _run(function: Function, payload: bytes, context: str) -> InvocationResult:
    try:
        return function.invoke(payload, context)
    except ThrottledError as error:
        raise _ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            f"Rate Exceeded: {error}",
            Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
        ) from error


def _invocation_response(result: InvocationResult, executed: tuple[str, str], *, tail: bool) -> Response:
    headers = [("Content-Type", "application/json"), _request_id(result.request_id), executed]
    if result.failed:
        headers.append(("X-Amz-Function-Error", "Unhandled"))
    if tail:
        headers.append(("X-Amz-Log-Result", base64.b64encode(result.log_tail).decode()))
    return Response(HTTPStatus.OK, result.payload, tuple(headers))


def _payload(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise _ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException", message)
    if not body:
        return b"{}"
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise _ApiError(HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", message) from error
    return body


def _client_context(encoded: str | None) -> str:
    """Return the client context on one line and in ASCII, as it goes through a header of the Runtime API."""
    if not encoded:
        return ""
    try:
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except (ValueError, RecursionError) as error:
        message = "Client context must be JSON in base64"
        raise _ApiError(HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", message) from error


def _alias(name: str, version: str) -> dict[str, object]:
    return {"Name": name, "FunctionVersion": version}


def _versions(deployed: DeployedFunction) -> list[dict[str, object]]:
    published = [
        {**_configuration(build), "LastModified": deployed.published_at[version].isoformat()}
        for version, build in deployed.versions.items()
    ]
    return [{**_configuration(deployed.latest), "Version": "$LATEST"}, *published]


def _configuration(function: Function) -> dict[str, object]:
    config = function.config
    return {
        "FunctionName": config.name,
        "FunctionArn": config.arn,
        "PackageType": "Image",
        "MemorySize": config.memory_mb,
        "Timeout": int(config.timeout),
        "Version": config.version,
        "CodeSha256": config.image.digest,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": {"Variables": dict(config.variables)},
    }


def _json_response(value: object) -> Response:
    return Response(HTTPStatus.OK, json.dumps(value).encode(), (("Content-Type", "application/json"), _request_id()))


def _request_id(value: str = "") -> tuple[str, str]:
    return "x-amzn-RequestId", value or str(uuid.uuid4())
