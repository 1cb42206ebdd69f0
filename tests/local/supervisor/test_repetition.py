"""In which order a save reaches the functions."""

from pathlib import Path

import pytest

from aurora_lambda_local.resources.type_tokens import ALIAS, FUNCTION
from aurora_lambda_local.supervisor.messages import ResourceRequest, ResourceResult
from aurora_lambda_local.supervisor.repetition import ProgramRun, Repetition


def request(name: str, type_: str = FUNCTION, **inputs: str) -> ResourceRequest:
    return {"urn": f"{type_}::{name}", "type": type_, "name": name, "inputs": inputs, "files": []}


def test_a_function_is_live_before_those_behind_it_have_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever saves a route would wait until every other function of the image has started."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    requests = [
        request("handler"),
        request("report"),
        request("handler-alias", ALIAS, functionName="handler-1", functionVersion="1"),
        request("report-alias", ALIAS, functionName="report-1", functionVersion="1"),
    ]
    run = ProgramRun({each["urn"]: each for each in requests})
    made: list[tuple[str, object]] = []

    def apply(asked: ResourceRequest) -> ResourceResult:
        made.append((asked["name"], asked["inputs"].get("functionVersion")))
        outputs = {"name": f"{asked['name']}-1", "version": "2"}
        return {"id": "", "outputs": outputs, "change": "updated", "recorded": False, "seconds": 0, "notices": []}

    functions, aliases = [each["urn"] for each in requests[:2]], [each["urn"] for each in requests[2:]]
    repeated = Repetition(run, {}, {}, functions, [], aliases).carry_out(apply, Path())
    assert made == [("handler", None), ("handler-alias", "2"), ("report", None), ("report-alias", "2")]
    assert [repeated.run.requests[urn]["inputs"]["functionVersion"] for urn in aliases] == ["2", "2"]
