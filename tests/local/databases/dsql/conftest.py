"""One stand-in for all tests; a schema of its own for each."""

from collections.abc import Iterator

import pytest

from tests.dsql_faults import Faults, FaultyServer
from tests.local.databases.dsql.clients import Clients


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A running stand-in."""
    server = FaultyServer(tmp_path_factory.mktemp("dsql"), Faults(job_seconds=0))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def dsql(cluster: FaultyServer) -> Iterator[Clients]:
    """Clients of a stand-in in which nothing goes wrong."""
    clients = Clients(cluster)
    yield clients
    cluster.faults = Faults(job_seconds=0)
    clients.clean_up()
    clients.close()
