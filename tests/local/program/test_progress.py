"""What `up` prints of the resources that it makes."""

from pathlib import Path

import pytest

from aurora_lambda_local.program.forwarder import StackProgram, ended_overrides
from aurora_lambda_local.program.progress import Progress, applied_revisions
from aurora_lambda_local.supervisor.stack_status import engine_notices


@pytest.mark.parametrize(
    ("fold", "printed"),
    [
        (
            True,
            [
                " +  aws:rds:Cluster                  main-db                          created (1.5s)",
                " +  resources that only AWS needs    2, named by --verbose            created",
                " -  resources that only AWS needs    1, named by --verbose            deleted",
            ],
        ),
        (
            False,
            [
                " +  aws:ec2:Vpc                      network                          created (0.0s)",
                " +  aws:rds:Cluster                  main-db                          created (1.5s)",
                " +  aws:ec2:Subnet                   isolated-1                       created (0.0s)",
                " -  aws:ec2:Subnet                   isolated-2                       deleted",
            ],
        ),
    ],
)
def test_resources_that_are_only_recorded_share_a_line(fold: bool, printed: list[str]) -> None:
    """The few that run here would be lost among forty that do not."""
    lines: list[str] = []
    progress = Progress(lines.append, fold=fold)
    progress.change("created", "aws:ec2/vpc:Vpc", "network", 0.0, recorded=True)
    progress.change("created", "aws:rds/cluster:Cluster", "main-db", 1.5)
    progress.change("created", "aws:ec2/subnet:Subnet", "isolated-1", 0.0, recorded=True)
    progress.change("same", "aws:lambda/function:Function", "handler", 0.0)
    progress.change("deleted", "aws:ec2/subnet:Subnet", "isolated-2", recorded=True)
    progress.finish()
    assert lines == printed


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        (
            '{"applied": [{"revision": "0006", "message": "add phone", "duration_ms": 12}]}',
            ["      applied 0006  add phone  (12 ms)"],
        ),
        ('{"applied": []}', []),
        ('{"id": "1"}', []),
        ("null", []),
        ("", []),
    ],
)
def test_the_revisions_that_a_deployment_applied_are_named(result: str, lines: list[str]) -> None:
    """A person would have to ask afterwards what was done to the database."""
    assert applied_revisions(result) == lines


def test_the_database_that_is_left_behind_is_named() -> None:
    """Somebody who tries another engine would take the data for lost."""
    assert engine_notices({"engine": "mysql"}, {"engine": "postgres"}) == [
        "engine mysql -> postgres: the mysql data is kept; aurora-lambda up -c engine=mysql returns to it"
    ]
    assert engine_notices({"engine": "mysql"}, {"engine": "mysql"}) == []
    assert engine_notices({}, {"engine": "mysql"}) == []
    assert engine_notices({"engine": "none"}, {"engine": "mysql"}) == []


def test_an_override_that_counts_no_longer_is_named() -> None:
    """Somebody who tried an engine with -c would not know why the next `up` leaves it."""
    config = {"shop:engine": "postgres", "shop:schema": "other"}
    program = StackProgram("shop", "local", "eu-west-1", config, Path(), lambda: None, overrides=("shop:schema",))
    assert list(ended_overrides(["shop:engine", "shop:schema", "shop:minCapacity"], program)) == [
        "engine is postgres again, as in the stack's file: -c counted once",
        "minCapacity is at its default: -c counted once",
    ]
    assert list(ended_overrides([], program)) == []
