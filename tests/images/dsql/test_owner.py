"""Whose a schema and a role are, on a cluster that several stacks use."""

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
        " nothing was done. Give this stack a schema of its own: pulumi config set schema NAME; or, where one"
        " application has both stacks, deploy shop/prod and then this one with: pulumi config set schemaOwner project;"
        " or, where this stack was shop/prod before `pulumi stack rename`, run as admin:"
        f" COMMENT ON SCHEMA \"{application.database.name}\" IS 'aurora-lambda: shop/test'"
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


def owner_of(application: Application) -> str:
    """Return what the schema's comment says."""
    name = application.database.name
    comment = f"SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = '{name}'"
    return application.admin_rows(comment)[0][0]


def test_a_renamed_stack_keeps_its_schema_by_what_it_is_told(application: Application) -> None:
    """`pulumi stack rename` would end in a stack that can never be deployed again."""
    name = application.database.name
    run(application, "shop/prod")
    application.admin_rows(f"COMMENT ON SCHEMA \"{name}\" IS 'the shop''s; aurora-lambda: shop/prod (do not touch)'")
    with pytest.raises(MigrationError) as refusal:
        run(application, "shop/live")
    application.admin_rows(str(refusal.value).rpartition("run as admin: ")[2])
    assert owner_of(application) == "the shop's; aurora-lambda: shop/live (do not touch)"
    assert run(application, "shop/live")["status"] == "ok"


def test_only_its_owner_opens_a_schema_to_the_other_stacks_of_the_project(
    application: Application, other_stack: Application
) -> None:
    """An application could not move to a second Region; or a test stack take the schema by a line of its own file."""
    run(application, "shop/prod")
    with pytest.raises(MigrationError, match=r"belongs to shop/prod, and this stack is shop/\*: nothing was done\."):
        run(other_stack, "shop/*")
    assert owner_of(application) == "aurora-lambda: shop/prod"
    run(application, "shop/*")
    assert owner_of(application) == "aurora-lambda: shop/*"
    run(other_stack, "shop/*")
    assert [each.rows("SELECT count(*) FROM notes") for each in (application, other_stack)] == [[(0,)], [(0,)]]


def test_a_schema_of_a_whole_project_is_not_taken_back_by_one_stack(
    application: Application, other_stack: Application
) -> None:
    """A line that one stack's file has lost would take the login of the other Region away."""
    run(application, "shop/*")
    run(other_stack, "shop/*")
    with pytest.raises(MigrationError, match=r"belongs to shop/\*, .* set schemaOwner project$"):
        run(application, "shop/prod")
    assert other_stack.rows("SELECT count(*) FROM notes") == [(0,)]


def test_a_schema_from_before_there_were_owners_goes_to_who_logs_in_there(
    application: Application, other_stack: Application
) -> None:
    """A deployment of this version would be refused on every old cluster; or whoever comes first take the data."""
    name = application.database.name
    application.run()
    application.admin_rows(f"COMMENT ON SCHEMA \"{name}\" IS 'the shop'")
    with pytest.raises(MigrationError) as refusal:
        run(other_stack, "shop/test")
    assert str(refusal.value) == (
        f"the schema {name!r} of this cluster has no owner, and {application.iam_role_arn} logs in to it, which is not"
        " this stack's: nothing was done. Give this stack a schema of its own: pulumi config set schema NAME; or, where"
        f" it is this stack's, run as admin: COMMENT ON SCHEMA \"{name}\" IS 'aurora-lambda: shop/test'"
    )
    assert owner_of(application) == "the shop"
    run(application, "shop/prod")
    assert owner_of(application) == "the shop aurora-lambda: shop/prod"


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ({}, {}),
        ({"command": "reset"}, {"ALLOW_RESET": "true"}),
        (DELETED, {"DROP_ON_DESTROY": "true"}),
    ],
    ids=["deploy", "reset", "destroy"],
)
def test_another_applications_role_is_refused_before_anything_is_done(
    application: Application,
    neighbour: Application,
    dsql_server: FaultyServer,
    command: dict[str, object],
    more: dict[str, str],
) -> None:
    """Its login would lead to this application, and its own functions be refused; a reset drop everything first."""
    run(application, "shop/prod")
    run(neighbour, "shop/test")
    thief = add_application(dsql_server, neighbour.database, application.role)
    with pytest.raises(MigrationError) as refusal:
        run(thief, "shop/test", command, **more)
    assert str(refusal.value) == (
        f"the role {application.role!r} of this cluster uses the schema {application.database.name!r}, so it is"
        " another's: nothing was done. Give this stack a role of its own: pulumi config set runtimeRole NAME"
    )
    application.rows("SELECT * FROM notes")
    neighbour.rows("SELECT * FROM notes")


def test_a_role_that_somebody_else_logs_in_as_is_refused(application: Application, dsql_server: FaultyServer) -> None:
    """The deployment would take the login of a role that another tool has made away."""
    other = "arn:aws:iam::123456789012:role/analyst"
    application.admin_rows(f'CREATE ROLE "{application.role}" WITH LOGIN')
    application.admin_rows(f"AWS IAM GRANT \"{application.role}\" TO '{other}'")
    with pytest.raises(MigrationError) as refusal:
        run(application, "shop/prod")
    assert str(refusal.value) == (
        f"the role {application.role!r} of this cluster is {other}'s, so it is another's: nothing was done."
        " Give this stack a role of its own: pulumi config set runtimeRole NAME"
    )
    assert application.admin_rows(f"SELECT arn::text FROM sys.iam_pg_role_mappings WHERE arn = '{other}'") == [(other,)]
