"""A cluster that several stacks use: each has a database and a role of its own, against real servers."""

from dataclasses import replace

import pytest

from tests.conftest import Database
from tests.images.runs import role_environment, rows, run, secret_value, table_names

pytestmark = pytest.mark.slow
OWNER = {"SQL_DATABASE_URL_OWNER": "shop/prod"}
OTHER = {"SQL_DATABASE_URL_OWNER": "shop/dev"}
REMEDY = "nothing was done. Give this stack a database of its own: pulumi config set schema NAME"


@pytest.fixture(params=("postgres", "mysql"))
def database(request: pytest.FixtureRequest) -> Database:
    """Return a database name nobody has used, on each engine of Aurora."""
    return request.getfixturevalue(request.param)


def refused(environment: dict[str, str]) -> str:
    """Return the message with which the runner refuses to deploy."""
    with pytest.raises(Exception, match="nothing was done") as error:
        run({}, environment)
    return str(error.value)


def test_a_database_belongs_to_the_stack_that_deployed_to_it_first(database: Database, empty_secret: str) -> None:
    """Two stacks with the default name would migrate each other's tables."""
    environment = role_environment(database, f"{database.name}_app", empty_secret) | {"ALLOW_RESET": "true"}
    run({}, environment | OWNER)
    assert run({}, environment | OWNER)["applied"] == []
    assert refused(environment | OTHER) == (
        f"the database {database.name!r} of this cluster belongs to shop/prod, and this stack is shop/dev: {REMEDY}"
    )
    run({"command": "reset"}, environment | OWNER)
    assert rows(database, "SELECT owner FROM migration_owner") == [("shop/prod",)]
    assert run({"command": "check"}, environment | OWNER)["status"] == "ok"
    user = (f"{database.name}_app", secret_value(empty_secret)["password"])
    with pytest.raises(Exception, match="(?i)denied"):
        rows(database, "DELETE FROM migration_owner", user)


def test_a_database_with_tables_and_no_owner_is_anothers(database: Database, empty_secret: str) -> None:
    """The database of the stack that made the cluster would be migrated by the one that came later."""
    environment = role_environment(database, f"{database.name}_app", empty_secret)
    run({}, environment)
    assert "migration_owner" not in table_names(database)
    assert refused(environment | OTHER) == (
        f"the database {database.name!r} of this cluster has tables and no owner, and this stack is shop/dev: {REMEDY}"
    )


def test_a_role_of_another_database_is_anothers(database: Database, empty_secret: str) -> None:
    """The second application's deployment would change the first one's password, and lock its functions out."""
    role = f"{database.name}_app"
    run({}, role_environment(database, role, empty_secret) | OWNER)
    second = replace(database, name=f"{database.name}_2")
    assert refused(role_environment(second, role, empty_secret) | OTHER) == (
        f"the role {role!r} of this cluster uses the database {database.name!r}, so it is another's: nothing was done."
        " Give this stack a role of its own: pulumi config set runtimeRole NAME"
    )
