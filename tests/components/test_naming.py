"""What resources are called."""

import pulumi
import pytest

from aurora_lambda.naming import rds_identifier_prefix


@pytest.mark.parametrize(
    ("project", "stack_name", "prefix"),
    [
        ("aurora-lambda", "dev", "aurora-lambda-dev-db-"),
        ("2nd_Shop.Site", "EU--prod", "nd-shop-site-eu-prod-db-"),
        ("p" * 24, "s" * 8, f"{'p' * 24}-{'s' * 8}-db-"),
        ("p" * 24, "s" * 9, f"{'p' * 24}-ss-fb099e55-"),
        ("p" * 100, "s" * 100, f"{'p' * 27}-c6b4f8fe-"),
    ],
)
def test_a_cluster_is_named_after_its_stack_within_the_limits_of_rds(
    monkeypatch: pytest.MonkeyPatch, project: str, stack_name: str, prefix: str
) -> None:
    """RDS would refuse the name of a cluster, or nobody would know whose it is."""
    monkeypatch.setattr(pulumi, "get_project", lambda: project)
    monkeypatch.setattr(pulumi, "get_stack", lambda: stack_name)
    assert rds_identifier_prefix("db") == prefix
    assert len(prefix) + 26 <= 63


def test_stacks_whose_names_begin_alike_have_clusters_of_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """One could not tell two stacks' clusters apart."""
    monkeypatch.setattr(pulumi, "get_project", lambda: "p" * 50)
    prefixes = set()
    for stack_name in ("one", "two"):
        monkeypatch.setattr(pulumi, "get_stack", lambda name=stack_name: name)
        prefixes.add(rds_identifier_prefix("db"))
    assert len(prefixes) == 2
