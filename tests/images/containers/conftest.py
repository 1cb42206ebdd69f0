"""Both images, built once a session with the sample application, on a base that needs no registry."""

import os
from collections.abc import Mapping

import pytest

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.runtimes.docker_engine import DockerEngine, DockerUnavailableError
from tests.bench.builds import Builder, with_sample_application
from tests.services import missing

BASE = os.environ.get("AURORA_LAMBDA_BASE_IMAGE", "aurora-lambda-base:bookworm")
TARGETS = ("handler", "migrations")


@pytest.fixture(scope="session")
def engine() -> DockerEngine:
    """Return a Docker engine that builds."""
    try:
        return DockerEngine.find()
    except DockerUnavailableError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def builder(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Return what builds this checkout's images, with the sample application in them."""
    try:
        engine.inspect(BASE)
    except LocalError:
        missing(f"there is no base image {BASE}: run .ci/base-image {BASE} as root")
    return with_sample_application(Builder(engine, BASE), tmp_path_factory.mktemp("images") / "checkout")


@pytest.fixture(scope="session")
def images(builder: Builder) -> Mapping[str, str]:
    """Return the id of each target's image."""
    return {target: builder.build(target) for target in TARGETS}


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """Each target in turn."""
    return request.param
