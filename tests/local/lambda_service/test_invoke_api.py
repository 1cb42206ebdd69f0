"""The Lambda endpoint, as boto3 sees it."""

import base64
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from aurora_lambda_local.lambda_service import function as function_module
from aurora_lambda_local.lambda_service.deployed_function import DeployedFunction
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.lambda_service.invoke_api import InvokeApi
from tests.services import eventually


@pytest.fixture
def api(deploy: Callable[..., Function]) -> Iterator[InvokeApi]:
    """Start an endpoint with one function, `hello`."""
    api = InvokeApi({"hello": DeployedFunction(deploy())}, 0)
    yield api
    api.stop()


@pytest.fixture
def client(api: InvokeApi) -> Iterator[Any]:
    """boto3, as anybody would use it."""
    client = boto3.client(
        "lambda",
        endpoint_url=api.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


@pytest.mark.parametrize(
    "name",
    [
        "hello",
        "hello:$LATEST",
        "function:hello",
        "123456789012:function:hello",
        "arn:aws:lambda:eu-west-1:123456789012:function:hello",
    ],
)
def test_a_function_is_found_by_each_form_of_its_name(client: Any, name: str) -> None:
    """Commands copied from AWS's documentation would fail here."""
    response = client.invoke(FunctionName=name, Payload=b'{"a": 1}')
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in response
    assert json.loads(response["Payload"].read()) == {"greeting": "good day", "event": {"a": 1}}


def test_no_payload_is_an_empty_event(client: Any) -> None:
    """`aws lambda invoke` without a payload would fail."""
    assert json.loads(client.invoke(FunctionName="hello")["Payload"].read())["event"] == {}


def test_a_function_error_is_marked_as_on_aws(client: Any) -> None:
    """A script that checks FunctionError would take a failure for success."""
    response = client.invoke(FunctionName="hello", Payload=b'{"do": "raise"}')
    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert json.loads(response["Payload"].read())["errorMessage"] == "out of cheese"


def test_the_tail_of_the_log_comes_on_request(client: Any) -> None:
    """`--log-type Tail` is how people look into a function from a terminal."""
    response = client.invoke(FunctionName="hello", Payload=b'{"do": "print", "bytes": 3}', LogType="Tail")
    lines = base64.b64decode(response["LogResult"]).decode().splitlines()
    request_id = response["ResponseMetadata"]["RequestId"]
    assert lines[:2] == [f"START RequestId: {request_id} Version: $LATEST", "xxx"]
    assert "LogResult" not in client.invoke(FunctionName="hello")


def test_a_dry_run_runs_nothing(client: Any, tmp_path: Path) -> None:
    """A check of permissions would have effects."""
    response = client.invoke(FunctionName="hello", InvocationType="DryRun", Payload=b'{"do": "print", "bytes": 1}')
    assert response["StatusCode"] == 204
    assert (tmp_path / "hello.log").read_text() == ""


def test_an_event_is_accepted_at_once_and_tried_three_times(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that is not ready to be run twice by asynchronous invocations would be found out on AWS."""
    monkeypatch.setattr(function_module, "RETRY_SECONDS", (0.01, 0.01))
    log = tmp_path / "hello.log"
    response = client.invoke(FunctionName="hello", InvocationType="Event", Payload=b'{"do": "raise"}')
    assert (response["StatusCode"], response["Payload"].read()) == (202, b"")
    request_id = response["ResponseMetadata"]["RequestId"]
    assert eventually(lambda: log.read_text().count(f"END RequestId: {request_id}") == 3)

    response = client.invoke(FunctionName="hello", InvocationType="Event", Payload=b'{"do": "print", "bytes": 7}')
    request_id = response["ResponseMetadata"]["RequestId"]
    assert eventually(lambda: log.read_text().count(f"END RequestId: {request_id}") == 1)


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        ({"FunctionName": "nobody"}, "ResourceNotFoundException", 404),
        ({"FunctionName": "hello", "Qualifier": "v7"}, "ResourceNotFoundException", 404),
        ({"FunctionName": "hello", "Payload": b"{not json"}, "InvalidRequestContentException", 400),
        ({"FunctionName": "hello", "Payload": b"[" * 100_000}, "InvalidRequestContentException", 400),
        ({"FunctionName": "hello", "Payload": b'"' + b"x" * 6291456 + b'"'}, "RequestTooLargeException", 413),
        (
            {"FunctionName": "hello", "InvocationType": "Event", "Payload": b'"' + b"x" * 1048576 + b'"'},
            "RequestTooLargeException",
            413,
        ),
    ],
)
def test_what_aws_refuses_is_refused_with_its_error(
    client: Any, arguments: dict[str, Any], code: str, status: int
) -> None:
    """Scripts that handle AWS's errors by name could not be tried out here."""
    with pytest.raises(ClientError) as refused:
        client.invoke(**arguments)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_an_unknown_function_s_error_names_those_there_are(client: Any) -> None:
    """A person who mistypes a name would have to look for the right one."""
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName="helo")
    assert refused.value.response["Error"]["Message"] == "Function not found: helo. There are: hello"
    for version in ({"FunctionName": "hello:9"}, {"FunctionName": "hello", "Qualifier": "9"}):
        with pytest.raises(ClientError) as refused:
            client.invoke(**version)
        assert refused.value.response["Error"]["Message"] == "Function not found: hello:9. There are: hello"


def test_an_alias_is_not_said_to_be_made(client: Any) -> None:
    """A script would go on with an alias that is not there."""
    with pytest.raises(ClientError) as refused:
        client.create_alias(FunctionName="hello", Name="blue", FunctionVersion="1")
    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"


def test_functions_can_be_looked_up(client: Any) -> None:
    """Tools ask for a function's configuration before they invoke it."""
    assert [each["FunctionName"] for each in client.list_functions()["Functions"]] == ["hello"]
    configuration = client.get_function(FunctionName="hello")["Configuration"]
    assert (configuration["MemorySize"], configuration["Timeout"], configuration["PackageType"]) == (256, 60, "Image")
    assert client.get_function_configuration(FunctionName="hello")["FunctionArn"].endswith(":function:hello")


def test_other_operations_say_that_they_are_not_emulated(client: Any) -> None:
    """An empty answer would be taken for success."""
    with pytest.raises(ClientError) as refused:
        client.delete_function(FunctionName="hello")
    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"


def test_an_unknown_invocation_type_is_refused(api: InvokeApi) -> None:
    """It would be taken for a synchronous one."""
    with closing(http.client.HTTPConnection(api.endpoint.removeprefix("http://"))) as connection:
        path = "/2015-03-31/functions/hello/invocations"
        connection.request("POST", path, b"{}", {"X-Amz-Invocation-Type": "Later"})
        response = connection.getresponse()
        assert response.status == 400
        assert response.headers["x-amzn-ErrorType"] == "InvalidParameterValueException"


def in_base64(value: object) -> str:
    """Encode a client context as the AWS CLI takes it."""
    return base64.b64encode(json.dumps(value, ensure_ascii=False, indent=2).encode()).decode()


def test_a_client_context_may_have_line_breaks_and_any_letter(client: Any) -> None:
    """The connection to the function would break, or a header of the caller's choice reach it."""
    context = {"custom": {"name": "Zoë\r\nX-Injected: 1", "city": "東京"}}
    response = client.invoke(FunctionName="hello", ClientContext=in_base64(context), Payload=b'{"do": "context"}')
    assert json.loads(response["Payload"].read())["client"] == context["custom"]


def test_a_client_context_that_is_not_json_is_refused(client: Any) -> None:
    """The function would fail with an error of the runtime client's own."""
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName="hello", ClientContext=base64.b64encode(b"{nope").decode())
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
