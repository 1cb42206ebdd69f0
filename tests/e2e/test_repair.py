"""What `up` notices although nothing in the program has changed."""

from collections.abc import Iterator

import pytest

from aurora_lambda_local.databases.registry import database_server
from aurora_lambda_local.platform.errors import ServerUnavailableError
from tests.e2e.checkout import Checkout
from tests.services import missing

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["postgres", "mysql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give each engine that this machine can run."""
    try:
        database_server(request.param, tmp_path_factory.mktemp("probe") / "data", {})
    except ServerUnavailableError as unavailable:
        missing(str(unavailable))
    return request.param


@pytest.fixture(scope="module")
def checkout(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Bring a stack up on one engine."""
    checkout = Checkout.copied_to(tmp_path_factory.mktemp("repaired") / "checkout")
    try:
        up(checkout, engine)
        yield checkout
    finally:
        checkout.run("down")


def up(checkout: Checkout, engine: str) -> list[str]:
    """Run `up`; return the lines that say what changed."""
    lines = checkout.run("up", "-c", f"engine={engine}").out.splitlines()
    return [line for line in lines if line.startswith(" ") and line.endswith("s)")]


def current(checkout: Checkout) -> str:
    """Return the revision that the database is at."""
    return checkout.run("migrate", "current").out.split()[0]


def test_nothing_is_changed_where_all_is_well(checkout: Checkout, engine: str) -> None:
    """Each `up` would seem to repair something."""
    assert up(checkout, engine) == []


def test_a_database_that_is_behind_is_migrated(checkout: Checkout, engine: str) -> None:
    """After a downgrade `up` would say that all is well while the handler asks for tables that are gone."""
    head = current(checkout)
    checkout.run("migrate", "downgrade", "--revision=-1")
    assert current(checkout) != head
    [line] = up(checkout, engine)
    assert line.split()[1:4] == ["aws:lambda:Invocation", "migrations", "restored"]
    assert current(checkout) == head
    assert up(checkout, engine) == []


def test_a_runtime_secret_that_is_gone_is_filled_again(checkout: Checkout, engine: str) -> None:
    """Each new execution environment of the handler would fail to log in."""
    secrets = checkout.client("secretsmanager", "awsEndpoint")
    [name] = [each["Name"] for each in secrets.list_secrets()["SecretList"] if "runtime" in each["Name"]]
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    [line] = up(checkout, engine)
    assert line.split()[1:4:2] == ["aws:secretsmanager:Secret", "restored"]
    assert '"password": ' in secrets.get_secret_value(SecretId=name)["SecretString"]
    assert up(checkout, engine) == []
