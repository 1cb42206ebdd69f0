"""Connections that DSQL would end: after 60 minutes, whatever they are doing."""

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.conftest import Database
from tests.images.client import Client
from tests.services import CountingProxy

pytestmark = pytest.mark.slow


def test_a_connection_in_use_is_replaced_before_its_sixtieth_minute(
    dsql: Database, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DSQL would end it in the midst of a request, of any that takes less than five minutes."""
    proxy = CountingProxy(dsql.port)
    app = client_of(dsql, port=proxy.port)
    app.invoke({})
    started = time.time()
    connections = []
    for minutes in (1, 54, 56, 109, 112):
        # The pool's clock alone: a token of the future would be refused.
        clock = SimpleNamespace(time=lambda minutes=minutes: started + 60 * minutes)
        monkeypatch.setattr("sqlalchemy.pool.base.time", clock)
        app.invoke({})
        connections.append(proxy.connections)
    assert connections == [1, 1, 2, 2, 3]
    proxy.close()
