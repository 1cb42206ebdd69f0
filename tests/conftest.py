"""Servers that tests share: one of each engine a session, a fresh database a test."""

import gc
import itertools
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest
from moto.server import ThreadedMotoServer

from aurora_lambda_local.databases.dsql.tokens import Identity
from aurora_lambda_local.databases.registry import DatabaseServer
from aurora_lambda_local.testing.databases import AWS_ENVIRONMENT, PARAMETERS
from tests.dsql_faults import Faults, FaultyServer
from tests.services import new_server

MASTER = ("master", "the-master's password")
# DSQL's stand-in takes its time, and its tests are many.
ENGINES = ("postgres", "mysql", pytest.param("dsql", marks=pytest.mark.slow))
# Who has those credentials, where IAM is asked.
IAM_ROLE_ARN = "arn:aws:iam::123456789012:role/tests"
# The rooms of tests that take minutes a file.
LONGEST = frozenset({"e2e", "packages"})
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A database that does not exist yet, on a real server."""

    engine: str
    port: int
    name: str
    ca: str = ""

    @property
    def host(self) -> str:
        """Where its server listens; DSQL's is known by a name."""
        return "localhost" if self.ca else "127.0.0.1"

    @property
    def master(self) -> str:
        """The user that migrations run as."""
        return "admin" if self.ca else MASTER[0]

    def environment(self, user: str = "", password: str = MASTER[1], **more: str) -> dict[str, str]:
        """What a function is told about it."""
        login = quote(user or self.master) + ("" if self.ca else f":{quote(password)}")
        url = f"{self.engine}://{login}@{self.host}:{self.port}/{quote(self.name)}"
        return {"DATABASE_URL": f"{url}?sslrootcert={quote(self.ca)}" if self.ca else url, **more}


NewDatabase = Callable[[str], Database]


def pytest_configure() -> None:
    """Let an interrupt reach the programs that tests start: whatever a shell runs in the background ignores it.

    Imports leave no garbage: looking for it takes a third of the time until the first test.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: not LONGEST.intersection(item.path.parts))


def pytest_collection_finish() -> None:
    """Spare the garbage collector what imports have made: it would look at it again and again, in vain."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, DatabaseServer]]:
    """The servers of this session, each started when first asked for."""
    started = _Servers(tmp_path_factory.mktemp("databases"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def dsql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A DSQL cluster that whoever has the tests' AWS credentials may do anything on."""
    server = FaultyServer(tmp_path_factory.mktemp("dsql"), Faults(job_seconds=0))
    server.start()
    secret = AWS_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]
    server.identities[AWS_ENVIRONMENT["AWS_ACCESS_KEY_ID"]] = Identity(IAM_ROLE_ARN, secret)
    yield server
    server.stop()


class _Servers(dict[str, DatabaseServer]):
    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def __missing__(self, engine: str) -> DatabaseServer:
        server = new_server(engine, self._directory / engine, PARAMETERS)
        server.start()
        server.set_master(*MASTER)
        self[engine] = server
        return server

    def stop(self) -> None:
        for server in self.values():
            server.stop()


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, servers: Mapping[str, DatabaseServer]) -> NewDatabase:
    """Returns a database name nobody has used, on the engine it is given."""

    def database(engine: str) -> Database:
        name = f"test_{next(_numbers)}"
        if engine != "dsql":
            return Database(engine, servers[engine].port, name)
        server: FaultyServer = request.getfixturevalue("dsql_server")
        return Database(engine, server.port, name, str(server.ca_file))

    return database


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest) -> Database:
    """A database name nobody has used, on each engine in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=("postgres", "mysql"))
def aurora_database(request: pytest.FixtureRequest) -> Database:
    """A database name nobody has used, on each engine of Aurora clusters."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def postgres(new_database: NewDatabase) -> Database:
    """A database name nobody has used, on PostgreSQL."""
    return new_database("postgres")


@pytest.fixture
def mysql(new_database: NewDatabase) -> Database:
    """A database name nobody has used, on MariaDB or MySQL."""
    return new_database("mysql")


@pytest.fixture
def dsql(new_database: NewDatabase, dsql_server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A schema's name nobody has used, on Aurora DSQL's stand-in; the environment holds AWS credentials."""
    set_aws_environment(monkeypatch)
    with dsql_server.temporary_schemas():
        yield new_database("dsql")


def set_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process the credentials that the servers of the tests know."""
    for name, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of moto's stand-in for AWS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def empty_secret(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ARN of a secret that holds no value yet; the environment leads to it."""
    set_aws_environment(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws)
    client = boto3.client("secretsmanager", endpoint_url=aws)
    return client.create_secret(Name=f"role-{next(_numbers)}")["ARN"]
