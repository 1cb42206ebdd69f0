"""What reaches this machine of what a program registers."""

from pathlib import Path

from aurora_lambda import DsqlDatabase
from tests.local.program.receiving import run

DSQL_CLUSTER = "aws:dsql/cluster:Cluster"


def test_a_cluster_that_exists_on_aws_is_made_here_by_its_identifier(tmp_path: Path) -> None:
    """A stack on a shared cluster would have no database here, and its functions no endpoint."""
    identifier = "abcdefghijklmnopqrstuvwxyz"

    def main() -> None:
        roles = ["arn:aws:iam::123456789012:role/r"]
        DsqlDatabase("db", {"function_role_arns": roles, "cluster_identifier": identifier})

    assert run(main, tmp_path)[DSQL_CLUSTER, "db"]["identifier"] == identifier
