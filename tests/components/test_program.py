"""What a program of one's own does with the parts of the service."""

import pulumi
import pytest

from aurora_lambda import AuroraDatabase, FunctionRole, ImageFunction
from aurora_lambda.service import Service
from tests.components.recording import MIGRATED, record
from tests.components.tokens import DSQL_CLUSTER, FUNCTION, IMAGE


def test_a_program_reaches_every_part_of_the_service() -> None:
    """Somebody who adds an alarm or a domain name would have to fork the composition."""

    def program() -> None:
        service = Service()
        assert isinstance(service.database, AuroraDatabase)
        assert service.network is not None
        pulumi.export("vpc", service.network.vpc_id)
        pulumi.export("url", service.handler.url)
        pulumi.export("cluster", service.database.identifier)
        pulumi.export("revision", service.migration.revision)
        pulumi.export("image", service.image.image_uri)
        pulumi.export("memory", service.settings.handler_memory)

    recording = record(program)
    assert recording.outputs["url"] == recording.outputs["functionUrl"]
    assert recording.outputs["revision"] == MIGRATED["after"]
    assert recording.outputs["image"] == recording.output(IMAGE, "handler", "repoDigest")
    assert recording.outputs["memory"] == 256
    assert {"vpc", "cluster"} <= recording.outputs.keys()


def test_a_function_of_ones_own_uses_the_migrated_database() -> None:
    """A function beside the handler would be deployed before the schema that its code needs, or find no database."""

    def program() -> None:
        service = Service()
        assert service.access is not None
        role = FunctionRole("report", {"network_interfaces": True})
        ImageFunction("report", {"image_uri": service.image.image_uri, "role": role, "access": [service.access]})

    recording = record(program)
    handler, report = (recording.inputs(FUNCTION, name) for name in ("handler", "report"))
    assert report["environment"]["variables"]["SQL_MAIN_DB_REVISION"] == MIGRATED["after"]
    assert report["vpcConfig"] == handler["vpcConfig"]


def test_on_dsql_there_is_no_network_unless_it_is_asked_for() -> None:
    """A program would be given a network that no function is attached to."""
    parts: list[Service] = []
    recording = record(lambda: parts.append(Service()), {"engine": "dsql"})
    assert parts[0].network is None
    assert recording.of_type(DSQL_CLUSTER) == ["main-db"]


def test_a_part_that_the_stack_does_not_have_is_named() -> None:
    """A program that exports the handler's URL would fail on a stack of streams with a traceback of ours."""

    def program() -> None:
        service = Service()
        assert (service.network, service.access) == (None, None)
        for part in ("handler", "database", "migration"):
            with pytest.raises(AttributeError, match=f"^the service has no {part}: engine is none$"):
                getattr(service, part)

    record(program, {"engine": "none", "streams": '[{"name": "copy", "table": "items", "database": false}]'})
