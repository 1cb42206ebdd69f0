"""The resources of stacks that are up, by the names that Pulumi knows them by."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aurora_lambda import Network
from aurora_lambda.service import Service
from tests.components.engine import engine_urn
from tests.components.recording import record

STREAMS = [
    {"name": "copy", "table": "test-table"},
    {"name": "count", "table": "test-table", "function": "counter", "database": False, "onFailure": "queue"},
]
STACKS = {
    "mysql": {
        "engine": "mysql",
        "databaseAuth": "password",
        "functionUrlAuth": "NONE",
        "snapStart": "true",
        "instanceCount": "2",
        "streams": json.dumps(STREAMS),
    },
    "dsql": {
        "engine": "dsql",
        "vpcId": "vpc-0a",
        "subnetIds": '["subnet-1", "subnet-2"]',
        "dsqlPeerRegion": "eu-west-2",
        "dsqlWitnessRegion": "eu-west-3",
    },
}


@pytest.mark.parametrize("engine", STACKS)
def test_a_stack_that_is_up_keeps_each_of_its_resources(engine: str) -> None:
    """A newer version would delete what a live stack has and make it anew, the database's data with it.

    A resource that gets another name or parent needs an alias, and a line that leaves this list a word in CHANGELOG.md.
    """
    known = (Path(__file__).parent / f"urns.{engine}.txt").read_text().split()
    assert urns(Service, STACKS[engine]) == known


def test_a_class_that_extends_a_component_keeps_its_type() -> None:
    """A type of its own would be in the URN of each child, and replace a network that is up."""

    class OwnNetwork(Network):
        """A network with a name for people."""

        label: str = "ours"

    assert urns(lambda: OwnNetwork("net", {})) == urns(lambda: Network("net", {}))


def urns(program: Callable[[], Any], config: Mapping[str, str] | None = None) -> list[str]:
    """Return what the URNs of a program's resources end with: the types above each, and its name."""
    return sorted(engine_urn(entry.urn).split("::", 2)[2] for entry in record(program, config).registrations)
