"""Whose a schema and a role are, on a cluster that several stacks use."""

from dataclasses import replace
from typing import Any

import pytest

from aurora_lambda_runtime.migrations.errors import MigrationError
from tests.dsql_faults import FaultyServer
from tests.images import runs
from tests.images.dsql.conftest import Application, add_application

pytestmark = pytest.mark.slow

DELETED = {"tf": {"action": "delete"}}


def run(application: Application, owner: str, event: object = None, **more: str) -> dict[str, Any]:
    """Run a migration command for a stack."""
    return runs.run(event, {**application.environment(), "SQL_DATABASE_URL_OWNER": owner, **more})


@pytest.fixture
def other_stack(application: Application, dsql_server: FaultyServer) -> Application:
    """Return another stack's runner, with the same schema and another IAM role for its function."""
    return add_application(dsql_server, application.database, application.role, "another-handler")


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ({}, {}),
        ({"command": "reset"}, {"ALLOW_RESET": "true"}),
        ({"command": "downgrade", "revision": "base"}, {}),
        (DELETED, {"DROP_ON_DESTROY": "true"}),
    ],
    ids=["deploy", "reset", "downgrade", "destroy"],
)
def test_another_stacks_schema_is_refused_and_left_as_it_is(
    application: Application, other_stack: Application, command: dict[str, object], more: dict[str, str]
) -> None:
    """Each deployment would take the other stack's login away and migrate its tables, a destroy drop them."""
    run(application, "shop/prod")
    application.rows("SELECT * FROM notes")
    with pytest.raises(MigrationError) as refusal:
        run(other_stack, "shop/test", command, **more)
    assert str(refusal.value) == (
        f"the schema {application.database.name!r} of this cluster belongs to shop/prod, and this stack is shop/test:"
        " nothing was done. Give this stack a schema of its own: pulumi config set schema NAME"
    )
    application.rows("SELECT * FROM notes")
    assert run(application, "shop/prod")["status"] == "ok"


def test_a_schema_of_a_whole_project_keeps_the_logins_of_its_other_stacks(
    application: Application, other_stack: Application
) -> None:
    """One application in two Regions would take its own logins away, at each deployment of either."""
    run(application, "shop/*")
    run(other_stack, "shop/*")
    for each in (application, other_stack):
        assert each.rows("SELECT count(*) FROM notes") == [(0,)]
    answer = run(other_stack, "shop/*", DELETED, DROP_ON_DESTROY="true")
    assert answer["output"] == "nothing is dropped: the schema belongs to shop/*"
    application.rows("SELECT * FROM notes")


def test_a_schema_from_before_there_were_owners_gets_one(application: Application) -> None:
    """A deployment of this version would be refused on every cluster of the version before."""
    application.run()
    application.admin_rows(f"COMMENT ON SCHEMA \"{application.database.name}\" IS 'the shop'")
    run(application, "shop/prod")
    comment = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = "
    assert application.admin_rows(f"{comment}'{application.database.name}'") == [("the shop aurora-lambda: shop/prod",)]


def test_another_applications_role_is_refused(
    application: Application, neighbour: Application, dsql_server: FaultyServer
) -> None:
    """Its login would lead to this application, and its own functions be refused."""
    run(application, "shop/prod")
    thief = add_application(dsql_server, neighbour.database, application.role)
    with pytest.raises(MigrationError, match=r"of this cluster uses the schema '.*', so it is another's: give this"):
        run(thief, "shop/test")
    application.rows("SELECT * FROM notes")
    assert run(replace(thief, role=neighbour.role), "shop/test")["status"] == "ok"
