"""Functions in containers: the limits that a process of this machine does not have."""

import json
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aurora_lambda.project import Project
from aurora_lambda.service.image_context import write_context
from aurora_lambda_local.databases.dsql.server import DsqlServer
from aurora_lambda_local.databases.dsql.tokens import ADMIN, Identity
from aurora_lambda_local.lambda_service.environment import FunctionConfig
from aurora_lambda_local.lambda_service.function import Function
from aurora_lambda_local.lambda_service.logs import FunctionLog
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.runtimes.container import OWNER, ContainerImage, build_image, remove_containers
from aurora_lambda_local.runtimes.docker_engine import DockerEngine, ImageBuildError
from aurora_lambda_local.runtimes.image_build import ImageBuild
from aurora_lambda_runtime.database.contract import DatabaseSettings
from tests.services import base_image

pytestmark = pytest.mark.slow

Invoke = Callable[..., tuple[bool, Any]]
CHECKOUT = Path(__file__).parents[3]
PROBE = """
import os, pathlib, time

def main(event, context):
    known = {"write": write, "take": take, "sleep": time.sleep, "who": who, "log_in": log_in}
    return known[event["do"]](event.get("what"))

def write(path):
    try:
        pathlib.Path(path).write_text("x")
    except OSError as error:
        return error.strerror
    return "written"

def take(megabytes):
    return len(bytearray(os.urandom(1)) * (megabytes << 20))

def who(_):
    return [os.getuid(), sorted(key for key in os.environ if key.upper().startswith(("AWS_", "GREETING", "HTTP")))]

def log_in(_):
    from aurora_lambda_runtime.database.connector import Connector
    from aurora_lambda_runtime.database.contract import database_settings
    with Connector(database_settings(os.environ)).open() as connection:
        return connection.execute("SELECT current_user").fetchone()[0]
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPaths]:
    paths = LocalPaths(tmp_path_factory.mktemp("containers") / ".local")
    paths.root.mkdir()
    yield paths
    remove_containers(paths, images=True)


def build(target: str, **changes: str) -> ImageBuild:
    """Return the build that the components ask for, for this machine's processor."""
    platform = f"linux/{DockerEngine.find().architecture()}"
    arguments = {"BASE_IMAGE": base_image()}
    context = str(write_context(Project.find(CHECKOUT), target))
    inputs: dict[str, object] = {
        "context": context,
        "dockerfile": f"{context}/Dockerfile",
        "target": target,
        "platform": platform,
        "args": arguments,
    }
    return ImageBuild.from_inputs({**inputs, **changes}, CHECKOUT / "stacks")


@pytest.fixture(scope="module")
def image(paths: LocalPaths, tmp_path_factory: pytest.TempPathFactory) -> ContainerImage:
    """Build the handler's image with another handler, which probes its environment."""
    base_image()
    handler = build_image(build("handler"), paths)
    assert handler.handler == "aurora_lambda_runtime.handler.app.lambda_handler"
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.py").write_text(PROBE)
    (folder / "broken.py").write_text("import nowhere\n")
    handler.engine.run("tag", handler.digest, "aurora-lambda-probe-base")
    (folder / "Dockerfile").write_text("FROM aurora-lambda-probe-base AS probe\nCOPY *.py /var/task/\n")
    label = f"--label={OWNER}={paths.root}"
    digest = handler.engine.build(folder, folder / "Dockerfile", "probe", {}, label)
    return ContainerImage(handler.engine, digest.removeprefix("sha256:"), "probe.main", handler.owner)


@pytest.fixture
def config(image: ContainerImage) -> FunctionConfig:
    """Return the probe's configuration."""
    return FunctionConfig(
        name="probe",
        arn="arn:aws:lambda:eu-west-1:123456789012:function:probe",
        image=image,
        handler=image.handler,
        variables={"GREETING": "good day"},
        memory_mb=128,
        timeout=60.0,
        concurrency=1,
        log_group="/aws/lambda/probe",
        json_logs=False,
        region="eu-west-1",
        aws_endpoint="http://127.0.0.1:9",
    )


@pytest.fixture
def invoke(config: FunctionConfig, tmp_path: Path) -> Iterator[Invoke]:
    """Give a function that invokes the probe, and returns whether it failed and its answer."""
    with invoking(config, tmp_path / "probe.log") as run:
        yield run


@contextmanager
def invoking(config: FunctionConfig, log: Path) -> Generator[Invoke]:
    """Deploy a function as long as it is needed."""
    function = Function(config, FunctionLog(log))

    def run(do: str, what: object = None) -> tuple[bool, object]:
        result = function.invoke(json.dumps({"do": do, "what": what}).encode())
        return result.failed, json.loads(result.payload)

    try:
        yield run
    finally:
        function.stop()


def test_code_that_does_not_start_is_named_with_its_line(config: FunctionConfig, tmp_path: Path) -> None:
    """The error has to be as good here as in a process of this machine."""
    function = Function(replace(config, handler="broken.main"), FunctionLog(tmp_path / "broken.log"))
    assert function.initialise() == (
        "Runtime.ImportModuleError: Unable to import module 'broken': No module named 'nowhere' (broken.py, line 1)"
    )


def test_nothing_but_tmp_can_be_written(invoke: Invoke) -> None:
    """Code would work here that fails on Lambda."""
    assert invoke("write", "/tmp/file") == (False, "written")
    assert invoke("write", "/var/task/file") == (False, "Read-only file system")


def test_it_is_nobody_and_sees_its_own_environment_only(invoke: Invoke) -> None:
    """A function could do here what it cannot on Lambda, or read this machine's credentials."""
    failed, (uid, names) = invoke("who")
    assert (failed, uid) == (False, 65534)
    assert "GREETING" in names
    assert "AWS_PROFILE" not in names


def test_proxies_of_this_machine_stay_outside(
    config: FunctionConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy no function could reach its queue or table here: Docker's client gives containers its proxies."""
    proxies = {"httpProxy": "http://127.0.0.1:9", "httpsProxy": "http://127.0.0.1:9"}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": {"default": proxies}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with invoking(replace(config, variables={"HTTPS_PROXY": "http://its-own:3128"}), tmp_path / "probe.log") as invoke:
        _, (_, names) = invoke("who")
    assert [name for name in names if not name.startswith("AWS_")] == ["HTTPS_PROXY"]


def test_more_memory_than_the_function_has_ends_it(invoke: Invoke, tmp_path: Path) -> None:
    """A function too small for its work would be found out on AWS; its report said that it had used no memory."""
    failed, answer = invoke("take", 400)
    assert failed
    assert (answer["errorType"], answer["errorMessage"].partition("Error: ")[2]) == (
        "Runtime.ExitError",
        "Runtime exited with error: signal: killed",
    )
    assert re.findall(r"Max Memory Used: (\d+) MB", (tmp_path / "probe.log").read_text()) == ["128"]
    assert invoke("take", 1) == (False, 1 << 20)


def test_more_time_than_the_function_has_ends_the_container(
    config: FunctionConfig, image: ContainerImage, paths: LocalPaths, tmp_path: Path
) -> None:
    """Hung functions would pile up as containers."""
    with invoking(replace(config, timeout=3.0), tmp_path / "probe.log") as invoke:
        failed, answer = invoke("sleep", 60)
        assert failed
        assert answer["errorMessage"].endswith("Task timed out after 3.00 seconds")
        assert image.engine.run("ps", "--quiet", f"--filter=label={OWNER}={paths.root}").stdout == ""


def test_it_verifies_the_certificate_of_a_dsql_cluster_on_this_machine(config: FunctionConfig, tmp_path: Path) -> None:
    """No function in a container could log in to the stand-in, whose certificate authority is a file here.

    None would even start below a folder such as `Example, Inc`: commas divide what Docker is told of a file.
    """
    server = DsqlServer(tmp_path / "Example, Inc", {"local": Identity("arn:aws:iam::123456789012:role/probe", "local")})
    server.start()
    try:
        settings = DatabaseSettings(
            "main-db", "dsql", server.host, "app", ADMIN, port=server.port, ca=str(server.ca_file)
        )
        config = replace(config, region=server.region, variables=settings.to_environment())
        with invoking(config, tmp_path / "probe.log") as invoke:
            assert invoke("log_in") == (False, "admin")
            assert invoke("write", settings.ca) == (False, "Read-only file system")
        second = {"SQL_AUDIT_ENDPOINT": "audit.example.com"}
        with invoking(replace(config, variables={**config.variables, **second}), tmp_path / "probe.log") as invoke:
            assert invoke("write", settings.ca) == (False, "Read-only file system")
    finally:
        server.stop()


def test_another_processor_is_refused_before_anything_is_built(paths: LocalPaths) -> None:
    """The build would fail in the middle, in the kernel's words."""
    base_image()
    here = DockerEngine.find().architecture()
    other = {"amd64": "linux/arm64", "arm64": "linux/amd64"}[here]
    with pytest.raises(LocalError) as refused:
        build_image(build("handler", platform=other), paths)
    assert str(refused.value) == (
        f"the Docker engine here builds for {here}, and the stack asks for {other}: choose with -c architecture=arm64 "
        "or -c architecture=x86_64"
    )


def test_a_base_that_cannot_be_pulled_is_said_with_the_remedy(paths: LocalPaths) -> None:
    """Somebody without a way to the registry would not know what to change."""
    base_image()
    wrong = replace(build("handler"), arguments={"BASE_IMAGE": "127.0.0.1:9/none:1", "SOURCE": "."})
    with pytest.raises(ImageBuildError) as failed:
        build_image(wrong, paths)
    assert str(failed.value).startswith("image 'handler' could not be built:\n")
    assert str(failed.value).endswith("The base image cannot be pulled: name one that can with -c baseImage=...")
