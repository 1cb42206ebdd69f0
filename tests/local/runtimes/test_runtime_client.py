"""Functions where awslambdaric has no native module, as on a Mac."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_lambda.build_context import context_files
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.runtimes.image_build import ImageBuild
from aurora_lambda_local.runtimes.virtualenv import NATIVE_CLIENT, VirtualenvImage, install_image
from tests.local import project
from tests.local.conftest import BUILD

pytestmark = pytest.mark.slow

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello"
Deploy = Callable[..., Function]


@pytest.fixture(scope="module")
def pure_image(tmp_path_factory: pytest.TempPathFactory) -> VirtualenvImage:
    """The project's image, in an environment that lacks the native module."""
    folder = project.write(tmp_path_factory.mktemp("pure") / "checkout", tmp_path_factory.mktemp("environments"))
    files = [path.as_posix() for path in context_files(folder / "code")]
    image = install_image(ImageBuild.from_inputs(BUILD, folder / "stacks"), files, LocalPaths.for_checkout(folder))
    [native] = image.python.parents[1].glob(NATIVE_CLIENT)
    native.unlink()
    return image


def test_a_function_answers_without_the_native_module(deploy: Deploy, pure_image: VirtualenvImage) -> None:
    """On a Mac no function would start."""
    function = deploy(image=pure_image)
    assert function.initialise() == ""
    first, second = (function.invoke(json.dumps({"name": name}).encode()) for name in ("ä", "you"))
    assert [json.loads(each.payload) for each in (first, second)] == [
        {"greeting": "good day", "event": {"name": "ä"}},
        {"greeting": "good day", "event": {"name": "you"}},
    ]
    assert function.environments() == 1


def test_the_context_is_lambdas_without_the_native_module(deploy: Deploy, pure_image: VirtualenvImage) -> None:
    """Code that reads its time left or its caller's context would go wrong on a Mac alone."""
    function = deploy(image=pure_image)
    result = function.invoke(b'{"do": "context"}', client_context='{"custom": {"k": "v"}}', request_id="r-1")
    context = json.loads(result.payload)
    assert 30_000 < context.pop("milliseconds") <= 60_000
    assert context == {"request": "r-1", "arn": ARN, "memory": "256", "client": {"k": "v"}}


def test_failures_are_told_as_lambda_does_without_the_native_module(
    deploy: Deploy, pure_image: VirtualenvImage
) -> None:
    """A failed migration would be called done, or an import error be shown as nothing."""
    function = deploy(image=pure_image)
    raised = function.invoke(b'{"do": "raise"}')
    error = json.loads(raised.payload)
    assert (raised.failed, error["errorType"], error["errorMessage"]) == (True, "ValueError", "out of cheese")
    large = function.invoke(json.dumps({"do": "answer", "bytes": 6 * 1024 * 1024}).encode())
    assert json.loads(large.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    missing = deploy(image=replace(pure_image, handler="nothing.here"), handler="nothing.here")
    message = "Unable to import module 'nothing': No module named 'nothing'"
    assert missing.initialise() == f"Runtime.ImportModuleError: {message}"


def test_a_function_sees_nothing_of_how_it_is_started(
    deploy: Deploy, pure_image: VirtualenvImage, tmp_path: Path
) -> None:
    """An import that fails on AWS would work on a Mac, because a module of ours has its name."""
    function = deploy(image=pure_image, handler="virtualenv.start")
    assert function.initialise().startswith("Runtime.ImportModuleError: Unable to import module 'virtualenv'")
