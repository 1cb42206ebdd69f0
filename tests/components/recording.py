"""Runs a Pulumi program in process and records what it asks the engine for."""

import asyncio
import copy
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import set_all_config, set_mocks
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS, get_root_resource, set_root_resource
from pulumi.runtime.stack import wait_for_rpcs

from aurora_lambda.project import Project
from aurora_lambda.service.image_context import write_context
from aurora_lambda_local.resources.outputs import lookup_result, resource_outputs

PROJECT = "aurora-lambda"
REGION = "eu-west-1"
# As Pulumi's own executor does: each resource that depends on a failed one would log a traceback.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
STACKS_FOLDER = Path(__file__).parents[2] / "stacks"
# A build context of this repository's own service.
CONTEXT = write_context(Project.find(STACKS_FOLDER), "handler")
MIGRATED = {"command": "deploy", "status": "ok", "before": None, "after": "0003"}
GET_SUBNET = "aws:ec2/getSubnet:getSubnet"
STACK_REFERENCE = "pulumi:pulumi:StackReference"
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"
# Of each resource Pulumi takes the whole stack, and pytest's is deep: a fifth of a recording's time.
FRAMES = 10


@dataclass(frozen=True)
class Registration:
    """One resource as the program registered it; `wire` is what went over the wire, secrets still marked."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    dependencies: tuple[str, ...]
    protect: bool
    replace_on_changes: tuple[str, ...]
    retain_on_delete: bool
    parent: str
    delete_before_replace: bool
    ignore_changes: tuple[str, ...]
    aliases: tuple[str, ...]
    provider: str
    wire: Mapping[str, Any]


@dataclass
class Recording(Mocks):
    """What a program registered, in order, asked AWS for and exported; `answers` are outputs of AWS's own, by type."""

    registrations: list[Registration] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    zones: int = 3
    lookups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    live: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict]:
        if args.typ == STACK_REFERENCE:
            return args.resource_id or "", {**args.inputs, "outputs": dict(self.live), "secretOutputNames": []}
        existing = {"identifier": args.resource_id} if args.resource_id else {}
        id_, outputs = resource_outputs(args.typ, args.name, {**args.inputs, **existing}, REGION)
        if args.typ == "aws:lambda/invocation:Invocation":
            outputs = {**outputs, "result": json.dumps(MIGRATED)}
        return id_, {**outputs, **self.answers.get(args.typ, {})}

    def call(self, args: MockCallArgs) -> tuple[dict, list]:
        self.asked[args.token] = dict(args.args)
        if args.token in self.lookups:
            return dict(self.lookups[args.token]), []
        answer = dict(lookup_result(args.token, args.args, REGION))
        if args.token == GET_SUBNET:
            answer["availabilityZoneId"] = zone_id(args.args["id"])
        if "names" in answer:
            answer["names"] = answer["names"][: self.zones]
        return answer, []

    def inputs(self, type_: str, name: str) -> dict[str, Any]:
        """Return the inputs of the one resource of this type and name, the caller's own: tests share recordings."""
        return copy.deepcopy(dict(self.resource(type_, name).inputs))

    def resource(self, type_: str, name: str) -> Registration:
        found = [entry for entry in self.registrations if (entry.type, entry.name) == (type_, name)]
        assert len(found) == 1, f"{len(found)} registrations of {type_} {name}"
        return found[0]

    def id(self, type_: str, name: str) -> str:
        """Return the id that the resource has got."""
        return resource_outputs(type_, name, self.inputs(type_, name), REGION)[0]

    def output(self, type_: str, name: str, key: str) -> Any:
        """Return one of the outputs that the resource has got."""
        return resource_outputs(type_, name, self.inputs(type_, name), REGION)[1][key]

    def of_type(self, type_: str) -> list[str]:
        return sorted(entry.name for entry in self.registrations if entry.type == type_)


def zone_id(subnet_id: str) -> str:
    """Return the zone that a subnet of a given VPC is in, by the last letter of its id."""
    return f"az-{sum(subnet_id[-1:].encode()) % 3}"


class _RecordingMonitor(MockMonitor):
    def __init__(self, recording: Recording, *, preview: bool) -> None:
        super().__init__(recording)
        self._recording, self._preview, self._lock = recording, preview, threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        response = super().RegisterResource(request)
        wire = MessageToDict(request.object)
        entry = Registration(
            urn=response.urn,
            type=request.type,
            name=request.name,
            inputs=_whole_numbers(_plain(wire)),
            dependencies=tuple(sorted(request.dependencies)),
            protect=request.protect,
            replace_on_changes=tuple(request.replaceOnChanges),
            retain_on_delete=request.retainOnDelete,
            parent=request.parent,
            delete_before_replace=request.deleteBeforeReplace,
            ignore_changes=tuple(request.ignoreChanges),
            provider=request.provider,
            aliases=tuple(alias.urn or alias.spec.parentUrn for alias in request.aliases),
            wire=wire,
        )
        if request.type != "pulumi:pulumi:Stack":
            with self._lock:
                self._recording.registrations.append(entry)
        if self._preview and request.custom:
            # As the engine answers before anything exists: no id, nothing computed.
            return resource_pb2.RegisterResourceResponse(urn=response.urn, object=request.object)
        return response


def record(
    program: Callable[[], Any],
    config: Mapping[str, str] | None = None,
    stack: str = "dev",
    *,
    preview: bool = False,
    zones: int = 3,
    lookups: Mapping[str, Mapping[str, Any]] | None = None,
    live: Mapping[str, Any] | None = None,
    recording: Recording | None = None,
) -> Recording:
    """Run `program` as stack `stack` to its end, in a region of `zones` zones, and return what it registered.

    Keys of `config` without a namespace are the project's.

    `lookups` are answers to `aws.get_...` calls, by the call's token; `live` the outputs of the deployment before.
    A `recording` given has what was registered also where the program fails.
    """
    recording = recording or Recording(zones=zones, lookups=lookups or {}, live=live or {})
    monitor = _RecordingMonitor(recording, preview=preview)
    loop = fresh_event_loop()
    set_mocks(recording, PROJECT, stack, preview, monitor=monitor, organization="organization")
    # The mocked stack still has what the program before exported.
    getattr(get_root_resource(), "outputs", {}).clear()
    given = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in (config or {}).items()}
    set_all_config({"aws:region": REGION} | given)
    folder = Path.cwd()
    os.chdir(STACKS_FOLDER)
    sys.tracebacklimit = FRAMES
    try:
        loop.run_until_complete(_run_to_its_end(program))
        exported = {} if preview else getattr(get_root_resource(), "outputs", {})
        recording.outputs = loop.run_until_complete(pulumi.Output.all(**exported).future()) or {}
    finally:
        # A program that failed leaves what waits for it.
        _cancel_tasks(loop)
        SETTINGS.outputs.clear()
        os.chdir(folder)
        del sys.tracebacklimit
    return recording


async def _run_to_its_end(program: Callable[[], Any]) -> None:
    """Run a program as `run_pulumi_func` does, which looks at every output again each time that one is known."""
    try:
        if isawaitable(result := program()):
            await result
    finally:
        await wait_for_rpcs(await_all_outstanding_tasks=False)
    while outputs := list(SETTINGS.outputs):
        SETTINGS.outputs.clear()
        await asyncio.gather(*outputs)
        await wait_for_rpcs(await_all_outstanding_tasks=False)


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what still waits: Python would report each task as never awaited, whenever it is freed."""
    if tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def fresh_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop to run a program on, also where a program that ran as `up` runs it has left none."""
    try:
        return asyncio.get_event_loop()
    except (RuntimeError, DeprecationWarning):  # Python 3.12 warns first, where none has been made yet.
        asyncio.set_event_loop(asyncio.new_event_loop())
        # It has left its own stack, too. The first program on a new one registers that as well.
        set_root_resource(None)  # ty: ignore[invalid-argument-type]
        record(lambda: None)
        return asyncio.get_event_loop()


def statements(recording: Recording, name: str) -> list[dict[str, Any]]:
    """Return the function's permissions beyond its logs and its network interfaces."""
    document = json.loads(recording.inputs("aws:iam/rolePolicy:RolePolicy", name)["policy"])
    return document["Statement"][2:]


def json_logs(group: str) -> dict[str, str]:
    """Return how a function logs, with the levels of Lambda's own answer: left out, they would make a new version."""
    return {"logFormat": "JSON", "logGroup": group, "applicationLogLevel": "INFO", "systemLogLevel": "INFO"}


def _plain(value: Any) -> Any:
    """Return the value without the marks around secrets."""
    if isinstance(value, dict):
        if SECRET_MARK in value.values():
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _whole_numbers(value: Any) -> Any:
    """Protocol buffers know only floating point numbers; the program wrote whole ones."""
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
