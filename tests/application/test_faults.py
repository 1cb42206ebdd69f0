"""The application while the database refuses commits and drops connections."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from application.commands import COMMANDS
from application.routes import ROUTES, TABLES
from aurora_lambda_runtime.handler.dispatcher import Application
from tests.application.conftest import migrate
from tests.conftest import Database
from tests.dsql_faults import Faults, FaultyServer
from tests.images.client import Client
from tests.images.runs import rows

pytestmark = pytest.mark.slow

ENVIRONMENTS, REQUESTS = 10, 100


def test_a_thousand_requests_succeed_and_no_row_is_lost_or_doubled(dsql: Database, dsql_server: FaultyServer) -> None:
    """A fifth of all commits refused, and every twentieth connection lost at one, before it was done or after."""
    migrate({}, dsql.environment())
    dsql_server.faults = replace(dsql_server.faults, conflict_rate=0.2, drop_rate=0.05)

    def request(environment: int) -> Counter[int]:
        client = Client(Application(COMMANDS, ROUTES, TABLES, database_routes=True), dsql.environment())
        with closing(client):
            answers = [
                client.http("POST", "/users", {"name": "Ann", "email": f"{environment}-{number}@example.org"})
                for number in range(REQUESTS)
            ]
            user = answers[0].body["id"]
            posted = client.http("POST", f"/users/{user}/posts", {"title": "first"})
            listed = client.http("GET", f"/users/{user}/posts")
        return Counter(answer.status for answer in (*answers, posted, listed))

    with ThreadPoolExecutor(ENVIRONMENTS) as pool:
        answered = sum(pool.map(request, range(ENVIRONMENTS)), Counter[int]())
    dsql_server.faults = Faults(job_seconds=0)
    assert answered == {201: ENVIRONMENTS * (REQUESTS + 1), 200: ENVIRONMENTS}
    assert rows(dsql, "SELECT count(*), count(DISTINCT email) FROM users") == [(1000, 1000)]
    assert rows(dsql, "SELECT count(*) FROM posts") == [(10,)]
