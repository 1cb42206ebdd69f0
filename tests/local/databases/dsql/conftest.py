"""One stand-in for all tests; a schema of its own for each."""

from collections.abc import Iterator

import pytest

from aurora_lambda_local.databases.dsql.faults import Faults
from aurora_lambda_local.databases.dsql.server import DsqlServer
from tests.local.databases.dsql.clients import Clients


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DsqlServer]:
    """A running stand-in."""
    server = DsqlServer(tmp_path_factory.mktemp("dsql"), {"job_seconds": "0"})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def dsql(cluster: DsqlServer) -> Iterator[Clients]:
    """Clients of a stand-in in which nothing goes wrong."""
    clients = Clients(cluster)
    yield clients
    clients.end_jobs()
    clients.close()
    cluster.faults = Faults(job_seconds=0)
