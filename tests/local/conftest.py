"""Fixtures of the local stack's tests."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_lambda.build_context import context_files
from aurora_lambda_local import commands
from aurora_lambda_local.lambda_service.environment import FunctionConfig
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.lambda_service.logs import FunctionLog
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.runtimes.image_build import ImageBuild
from aurora_lambda_local.runtimes.virtualenv import VirtualenvImage, install_image
from tests.local import project

BUILD = {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"}


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where packages are installed, once a session."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def checkout(tmp_path: Path, environments: Path) -> Iterator[Path]:
    """Give a project that may be brought up, and take it down at the end."""
    folder = project.write(tmp_path / "checkout", environments)
    yield folder
    commands.down(folder)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> VirtualenvImage:
    """Install the project's image."""
    folder = project.write(tmp_path_factory.mktemp("image") / "checkout", environments)
    files = [path.as_posix() for path in context_files(folder / "code")]
    build = ImageBuild.from_inputs(BUILD, folder / "stacks")
    return install_image(build, files, LocalPaths.for_checkout(folder))


@pytest.fixture
def deploy(image: VirtualenvImage, tmp_path: Path) -> Iterator[Callable[..., Function]]:
    """Give a function that deploys the project's image; its arguments replace fields of the configuration."""
    deployed: list[Function] = []

    def make(**changes: object) -> Function:
        config = FunctionConfig(
            name="hello",
            arn="arn:aws:lambda:eu-west-1:123456789012:function:hello",
            image=image,
            handler=image.handler,
            variables={"GREETING": "good day"},
            memory_mb=256,
            timeout=60.0,
            concurrency=4,
            log_group="/aws/lambda/hello",
            json_logs=False,
            region="eu-west-1",
            aws_endpoint="http://127.0.0.1:9",
        )
        deployed.append(Function(replace(config, **changes), FunctionLog(tmp_path / "hello.log")))
        return deployed[-1]

    yield make
    for function in deployed:
        function.stop()
