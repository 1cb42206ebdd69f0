"""Servers that tests share: one of each engine a session, a fresh database a test."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local.databases.registry import DatabaseServer, ServerUnavailableError, database_server
from tests.services import missing

# The servers outlive no test run: they need not wait for the disk.
PARAMETERS = {"fsync": "off", "innodb_flush_log_at_trx_commit": "0"}
MASTER = ("master", "the-master's password")
ENGINES = ("postgres", "mysql")
AWS_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example-key",
    "AWS_SESSION_TOKEN": "example-token",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A database that does not exist yet, on a real server."""

    engine: str
    port: int
    name: str

    def environment(self, user: str = MASTER[0], password: str = MASTER[1], **more: str) -> dict[str, str]:
        """What a function is told about it."""
        url = f"{self.engine}://{quote(user)}:{quote(password)}@127.0.0.1:{self.port}/{self.name}"
        return {"DATABASE_URL": url, **more}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, DatabaseServer]]:
    """The servers of this session, each started when first asked for."""
    started = _Servers(tmp_path_factory.mktemp("databases"))
    yield started
    started.stop()


class _Servers(dict[str, DatabaseServer]):
    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def __missing__(self, engine: str) -> DatabaseServer:
        try:
            server = database_server(engine, self._directory / engine, PARAMETERS)
            server.start()
        except ServerUnavailableError as error:
            missing(str(error))
        server.set_master(*MASTER)
        self[engine] = server
        return server

    def stop(self) -> None:
        for server in self.values():
            server.stop()


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, servers: Mapping[str, DatabaseServer]) -> Database:
    """A database name nobody has used, on each engine in turn."""
    return Database(request.param, servers[request.param].port, f"test_{next(_numbers)}")


@pytest.fixture
def postgres(servers: Mapping[str, DatabaseServer]) -> Database:
    """A database name nobody has used, on PostgreSQL."""
    return Database("postgres", servers["postgres"].port, f"test_{next(_numbers)}")


@pytest.fixture
def mysql(servers: Mapping[str, DatabaseServer]) -> Database:
    """A database name nobody has used, on MariaDB or MySQL."""
    return Database("mysql", servers["mysql"].port, f"test_{next(_numbers)}")


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
    for name, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws)
    client = boto3.client("secretsmanager", endpoint_url=aws)
    return client.create_secret(Name=f"role-{next(_numbers)}")["ARN"]
