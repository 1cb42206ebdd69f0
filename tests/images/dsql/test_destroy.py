"""What a stack that is destroyed leaves in a DSQL cluster that other stacks use too."""

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.conftest import Database
from tests.images import runs
from tests.images.dsql.conftest import Application
from tests.sample_application import VERSIONS

pytestmark = pytest.mark.slow

# What the provider sends when the invocation is deleted.
DELETED = {"command": "status", "tf": {"action": "delete", "prev_input": {"command": "status"}}}


def test_its_schema_and_its_role_go_and_the_others_stay(application: Application, neighbour: Application) -> None:
    """A shared cluster would fill up with what nobody uses, or lose what somebody does."""
    for each in (application, neighbour):
        each.run()
    application.run(DELETED, DROP_ON_DESTROY="true")
    names = [application.database.name, neighbour.database.name]
    schemas = f"SELECT nspname FROM pg_namespace WHERE nspname IN ('{names[0]}', '{names[1]}')"
    assert neighbour.admin_rows(schemas) == [(neighbour.database.name,)]
    roles = f"SELECT rolname FROM pg_roles WHERE rolname IN ('{application.role}', '{neighbour.role}')"
    assert neighbour.admin_rows(roles) == [(neighbour.role,)]
    assert neighbour.rows("SELECT version_num FROM alembic_version") == [("0004",)]


def test_it_may_be_destroyed_again_and_deployed_again(application: Application) -> None:
    """A destroy that was interrupted could never be finished."""
    application.run()
    for _ in range(2):
        application.run(DELETED, DROP_ON_DESTROY="true")
    assert application.run()["after"] == "0004"


def test_nothing_goes_unless_the_stack_says_so(application: Application) -> None:
    """A payload alone would drop the data; an error would fail each deployment after `forceDestroy` is taken back."""
    application.run()
    assert application.run(DELETED) == {
        "command": "destroy",
        "engine": "dsql",
        "status": "ok",
        "output": "nothing is dropped: the stack does not say that its data goes with it",
    }
    assert application.rows("SELECT version_num FROM alembic_version") == [("0004",)]


def test_an_aurora_cluster_goes_as_a_whole(postgres: Database) -> None:
    """A final snapshot would hold an empty database."""
    environment = {**postgres.environment(), "DROP_ON_DESTROY": "true"}
    with pytest.raises(MigrationError, match="^a cluster of engine postgres goes with its stack: there is nothing to"):
        runs.run(DELETED, environment, versions=VERSIONS)
