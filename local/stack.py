"""A stack while it is up: resources made, left alone, changed and deleted as the program asks."""

import hashlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from lambda_images.database.contract import URL_SCHEMES, ContractError, database_settings
from local.aws import Aws
from local.checks import mistakes
from local.computed import computed_outputs
from local.errors import LocalError
from local.function import Function
from local.invoke_api import InvokeApi
from local.layout import Layout
from local.realisations import MAKERS, READS, ClusterLive, FunctionLive, UrlLive
from local.state import Record, recover, save
from local.world import Ports, Resource, World

Change = Literal["created", "updated", "replaced", "restored", "same"]


class RunningStack:
    """The one stack of a checkout that is up, with what it takes on this machine."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._state, note = recover(layout.state)
        self._notes = [note] if note else []
        self._ports = Ports(self._state.ports)
        self._functions: dict[str, Function] = {}
        self._lock = threading.RLock()
        self._making: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._aws = Aws(self._port("AWS endpoint"))
        self._invoke_api = InvokeApi(self._functions, self._port("Lambda endpoint"))
        self._world: World | None = None

    def begin(self, stack: str, region: str, program: Path, *, containers: bool = False) -> dict[str, Any]:
        """Get ready for a run of the program; another stack that is up is suspended."""
        notes, self._notes = [*self._notes, recover(self._layout.state)[1]], []
        if self._world and (self._world.stack, self._world.region) != (stack, region):
            notes.append(f"stack {self._world.stack} is suspended; its data is kept")
            self._close_all(self._world)
            self._world = None
        if self._world is None:
            self._state.current = stack
            records = self._state.stack().resources
            self._world = World(self._layout, stack, region, program, records, self._ports, self._aws, self._functions)
        self._world.containers = containers
        save(self._layout.state, self._state)
        return {"notes": [note for note in notes if note]}

    def put(
        self, urn: str, type_token: str, name: str, inputs: Mapping[str, Any], files: Sequence[str]
    ) -> dict[str, Any]:
        """Make a resource so.

        Returns:
            `id`, `outputs`, `change` (see `Change`), `seconds` and `notes`.

        Raises:
            LocalError: that cannot be done.
        """
        world, started = self._up(), time.monotonic()
        identifier, outputs = computed_outputs(type_token, name, inputs, world.region)
        resource = Resource(urn, type_token, name, inputs, identifier, outputs, files)
        with world.lock:
            world.resources[urn] = resource
            making = self._making[urn]
        # An `up` that was interrupted may still be at it.
        with making:
            change = self._realise(world, resource)
        seconds = time.monotonic() - started
        notes, world.notes = world.notes, []
        return {"id": identifier, "outputs": resource.outputs, "change": change, "seconds": seconds, "notes": notes}

    def finish(self, urns: Sequence[str], outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Delete what the program no longer has, the last made first, and record its outputs.

        Raises:
            LocalError: the stack would not work on AWS.
        """
        world, stack = self._up(), self._state.stack()
        gone = [urn for urn in reversed(stack.resources) if urn not in set(urns)]
        deleted = []
        for urn in gone:
            if live := world.lives.pop(urn, None):
                live.close()
            world.resources.pop(urn, None)
            record = stack.resources.pop(urn)
            deleted.append({"type": record.type, "name": record.name})
        stack.outputs = dict(outputs)
        self._save()
        if wrong := mistakes(world):
            raise LocalError("\n".join(wrong))
        return {"deleted": deleted}

    def status(self) -> dict[str, Any]:
        """What is up: see `local.client.status`."""
        world, stack = self._world, self._state.stack()
        lives = list(world.lives.items()) if world else []
        functions = {
            world.resources[urn].name: _describe(live.function)
            for urn, live in lives
            if world and isinstance(live, FunctionLive)
        }
        urls = [live.url.url for _, live in lives if isinstance(live, UrlLive)]
        return {
            "stack": self._state.current,
            "engine": str(stack.outputs.get("engine", "")),
            "running": world is not None,
            "outputs": stack.outputs,
            "functions": functions,
            "lambdaEndpoint": self._invoke_api.endpoint,
            "functionUrl": urls[0] if urls else "",
            "awsEndpoint": self._aws.endpoint,
            "databaseUrl": self._database_url(),
        }

    def stop(self) -> None:
        """End everything; data stays."""
        if self._world:
            self._close_all(self._world)
        self._invoke_api.stop()

    def _up(self) -> World:
        if self._world is None:
            raise LocalError("no stack is up: run aurora-lambda up")
        return self._world

    def _port(self, key: str) -> int:
        port, note = self._ports.take(key)
        self._notes += [note] if note else []
        return port

    def _realise(self, world: World, resource: Resource) -> Change:
        records, maker = world.records, MAKERS.get(resource.type)
        digest = _digest(resource.inputs, READS.get(resource.type, lambda *_: None)(world, resource))
        old, live = records.get(resource.urn), world.lives.get(resource.urn)
        unchanged = old is not None and old.digest == digest
        extra = old.extra if old else {}
        if maker and not (unchanged and live and live.alive()):
            # Should this fail, the next run has to try again.
            if old:
                old.digest = ""
            world.lives[resource.urn], extra = maker(world, resource, live)
            digest = _digest(resource.inputs, READS.get(resource.type, lambda *_: None)(world, resource))
        elif unchanged:
            resource.outputs |= extra
            return "same"
        resource.outputs |= extra
        with self._lock:
            records[resource.urn] = Record(resource.type, resource.name, resource.id, digest, extra)
            self._save()
        if old is None:
            return "created"
        return "restored" if unchanged else "updated" if old.id == resource.id else "replaced"

    def _save(self) -> None:
        with self._lock:
            save(self._layout.state, self._state)

    def _close_all(self, world: World) -> None:
        """End functions and listeners first, then all servers at once."""
        clusters = [live for live in world.lives.values() if isinstance(live, ClusterLive)]
        for live in reversed(world.lives.values()):
            if not isinstance(live, ClusterLive):
                live.close()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda cluster: cluster.close(), clusters))

    def _database_url(self) -> str:
        """Where a person logs in as the master user; the password is looked up now and kept nowhere."""
        world = self._world
        clusters = [live for live in world.lives.values() if isinstance(live, ClusterLive)] if world else []
        if not world or not clusters:
            return ""
        cluster = clusters[0]
        login = json.loads(self._aws.secret_value(world.region, cluster.secret_arn) or "{}")
        scheme = next(scheme for scheme, engine in URL_SCHEMES.items() if engine == cluster.server.engine)
        database = self._schema() or ("postgres" if scheme == "postgres" else "mysql")
        return f"{scheme}://{login['username']}:{login['password']}@127.0.0.1:{cluster.server.port}/{database}"

    def _schema(self) -> str:
        for function in self._functions.values():
            try:
                return database_settings(function.config.variables).schema
            except ContractError:
                continue
        return ""


def _describe(function: Function) -> dict[str, Any]:
    config = function.config
    return {
        "name": config.name,
        "arn": config.arn,
        "memorySize": config.memory_mb,
        "timeout": int(config.timeout),
        "environments": function.environments(),
    }


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
