"""What an engine brings to a cluster, and what becomes of the old cluster when a stack changes its engine."""

import pytest

from aurora_lambda.aurora_engines import RDS_ENGINES
from tests.components.conftest import Stack
from tests.components.tokens import CLUSTER, EGRESS_RULE, INGRESS_RULE, ROLE_POLICY, SECRET


def test_another_engine_leaves_the_running_handler_its_database_its_login_and_its_way(stack: Stack) -> None:
    """The old code would fail from the moment the new cluster is there until the new code is."""
    mysql, postgres = (stack(engine=engine, databaseAuth="password") for engine in ("mysql", "postgres"))
    for type_ in (SECRET, INGRESS_RULE, EGRESS_RULE):
        shared = set(mysql.of_type(type_)) & set(postgres.of_type(type_))
        assert shared <= {"network-endpoints-from-functions", "network-functions-to-endpoints"}, type_
    # RDS replaces the cluster for another engine, and a name that only a prefix gives lets both stand for a while.
    for recording in (mysql, postgres):
        assert "clusterIdentifier" not in recording.inputs(CLUSTER, "main-db")
    policies = [recording.resource(ROLE_POLICY, "handler") for recording in (mysql, postgres)]
    assert [policy.replace_on_changes for policy in policies] == [("policy",), ("policy",)]


@pytest.mark.parametrize(
    ("engine", "max_capacity", "connections"),
    [
        ("mysql", 1, 80),
        ("mysql", 3.5, 80),
        ("mysql", 4, 125),
        ("postgres", 2, 179),
        ("postgres", 256, 1990),
    ],
)
def test_a_cluster_has_room_for_so_many_functions(engine: str, max_capacity: float, connections: int) -> None:
    """Functions would be refused their connection under load."""
    assert RDS_ENGINES[engine].connections_for_functions(max_capacity) == connections
