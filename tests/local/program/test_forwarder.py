"""What `up` prints of the resources that it makes."""

from pathlib import Path

import pytest

from local.platform.paths import LocalPaths
from local.program.forwarder import ResourceForwarder, StackProgram, applied_revisions
from local.supervisor.client import SupervisorClient
from local.supervisor.running_stack import engine_notices


def forwarder(folder: Path, lines: list[str], *, fold: bool) -> ResourceForwarder:
    """Return a forwarder that prints to `lines`; its supervisor is never asked."""
    program = StackProgram("aurora-lambda", "local", "eu-west-1", {}, folder, lambda: None)
    return ResourceForwarder(SupervisorClient(LocalPaths(folder)), program, lines.append, fold=fold)


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
def test_resources_that_are_only_recorded_share_a_line(tmp_path: Path, fold: bool, printed: list[str]) -> None:
    """Else the few that run here would be lost among forty that do not."""
    lines: list[str] = []
    reporter = forwarder(tmp_path, lines, fold=fold)
    reporter.report("created", "aws:ec2/vpc:Vpc", "network", 0.0, recorded=True)
    reporter.report("created", "aws:rds/cluster:Cluster", "main-db", 1.5)
    reporter.report("created", "aws:ec2/subnet:Subnet", "isolated-1", 0.0, recorded=True)
    reporter.report("same", "aws:lambda/function:Function", "handler", 0.0)
    reporter.report("deleted", "aws:ec2/subnet:Subnet", "isolated-2", recorded=True)
    reporter.print_folded()
    assert lines == printed
    assert reporter.changes == {"created": 3, "same": 1, "deleted": 1}


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
    """Else a person would have to ask afterwards what was done to the database."""
    assert applied_revisions(result) == lines


def test_the_database_that_is_left_behind_is_named() -> None:
    """Else somebody who tries another engine would take the data for lost."""
    assert engine_notices({"engine": "mysql"}, {"engine": "postgres"}) == [
        "engine mysql -> postgres: the mysql data is kept; aurora-lambda up -c engine=mysql returns to it"
    ]
    assert engine_notices({"engine": "mysql"}, {"engine": "mysql"}) == []
    assert engine_notices({}, {"engine": "mysql"}) == []
