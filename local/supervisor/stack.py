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
from local.lambda_service.function import Function
from local.lambda_service.invoke_api import InvokeApi
from local.platform.errors import LocalError
from local.platform.paths import LocalPaths
from local.resources.aws_services import Aws
from local.resources.context import Ports, Resource, StackContext
from local.resources.outputs import resource_outputs
from local.resources.providers import FURTHER_INPUTS, PROVIDERS, RunningCluster, RunningFunction, RunningFunctionUrl
from local.resources.reachability import reachability_errors
from local.resources.state import Record, recover, save

Change = Literal["created", "updated", "replaced", "restored", "same"]


class RunningStack:
    """The one stack of a checkout that is up, with what it takes on this machine."""

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._state, note = recover(paths.state)
        self._notes = [note] if note else []
        self._ports = Ports(self._state.ports)
        self._functions: dict[str, Function] = {}
        self._lock = threading.RLock()
        self._making: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._aws = Aws(self._port("AWS endpoint"))
        self._invoke_api = InvokeApi(self._functions, self._port("Lambda endpoint"))
        self._context: StackContext | None = None

    def begin(self, stack: str, region: str, program: Path, *, containers: bool = False) -> dict[str, Any]:
        """Get ready for a run of the program; another stack that is up is suspended."""
        notes, self._notes = [*self._notes, recover(self._paths.state)[1]], []
        if self._context and (self._context.stack, self._context.region) != (stack, region):
            notes.append(f"stack {self._context.stack} is suspended; its data is kept")
            self._close_all(self._context)
            self._context = None
        if self._context is None:
            self._state.current = stack
            records = self._state.stack().resources
            self._context = StackContext(
                self._paths, stack, region, program, records, self._ports, self._aws, self._functions
            )
        self._context.containers = containers
        save(self._paths.state, self._state)
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
        context, started = self._up(), time.monotonic()
        identifier, outputs = resource_outputs(type_token, name, inputs, context.region)
        resource = Resource(urn, type_token, name, inputs, identifier, outputs, files)
        with context.lock:
            context.resources[urn] = resource
            making = self._making[urn]
        # An `up` that was interrupted may still be at it.
        with making:
            change = self._realise(context, resource)
        seconds = time.monotonic() - started
        notes, context.notes = context.notes, []
        return {"id": identifier, "outputs": resource.outputs, "change": change, "seconds": seconds, "notes": notes}

    def finish(self, urns: Sequence[str], outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Delete what the program no longer has, the last made first, and record its outputs.

        Raises:
            LocalError: the stack would not work on AWS.
        """
        context, stack = self._up(), self._state.stack()
        gone = [urn for urn in reversed(stack.resources) if urn not in set(urns)]
        deleted = []
        for urn in gone:
            if live := context.lives.pop(urn, None):
                live.close()
            context.resources.pop(urn, None)
            record = stack.resources.pop(urn)
            deleted.append({"type": record.type, "name": record.name})
        stack.outputs = dict(outputs)
        self._save()
        if wrong := reachability_errors(context):
            raise LocalError("\n".join(wrong))
        return {"deleted": deleted}

    def status(self) -> dict[str, Any]:
        """What is up: see `local.commands.status`."""
        context, stack = self._context, self._state.stack()
        lives = list(context.lives.items()) if context else []
        functions = {
            context.resources[urn].name: _describe(live.function)
            for urn, live in lives
            if context and isinstance(live, RunningFunction)
        }
        urls = [live.url.url for _, live in lives if isinstance(live, RunningFunctionUrl)]
        return {
            "stack": self._state.current,
            "engine": str(stack.outputs.get("engine", "")),
            "running": context is not None,
            "outputs": stack.outputs,
            "functions": functions,
            "lambdaEndpoint": self._invoke_api.endpoint,
            "functionUrl": urls[0] if urls else "",
            "awsEndpoint": self._aws.endpoint,
            "databaseUrl": self._database_url(),
        }

    def stop(self) -> None:
        """End everything; data stays."""
        if self._context:
            self._close_all(self._context)
        self._invoke_api.stop()

    def _up(self) -> StackContext:
        if self._context is None:
            raise LocalError("no stack is up: run aurora-lambda up")
        return self._context

    def _port(self, key: str) -> int:
        port, note = self._ports.take(key)
        self._notes += [note] if note else []
        return port

    def _realise(self, context: StackContext, resource: Resource) -> Change:
        records, maker = context.records, PROVIDERS.get(resource.type)
        digest = _digest(resource.inputs, FURTHER_INPUTS.get(resource.type, lambda *_: None)(context, resource))
        old, live = records.get(resource.urn), context.lives.get(resource.urn)
        unchanged = old is not None and old.digest == digest
        extra = old.extra if old else {}
        if maker and not (unchanged and live and live.alive()):
            # Should this fail, the next run has to try again.
            if old:
                old.digest = ""
            context.lives[resource.urn], extra = maker(context, resource, live)
            digest = _digest(resource.inputs, FURTHER_INPUTS.get(resource.type, lambda *_: None)(context, resource))
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
            save(self._paths.state, self._state)

    def _close_all(self, context: StackContext) -> None:
        """End functions and listeners first, then all servers at once."""
        clusters = [live for live in context.lives.values() if isinstance(live, RunningCluster)]
        for live in reversed(context.lives.values()):
            if not isinstance(live, RunningCluster):
                live.close()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda cluster: cluster.close(), clusters))

    def _database_url(self) -> str:
        """Where a person logs in as the master user; the password is looked up now and kept nowhere."""
        context = self._context
        clusters = [live for live in context.lives.values() if isinstance(live, RunningCluster)] if context else []
        if not context or not clusters:
            return ""
        cluster = clusters[0]
        login = json.loads(self._aws.secret_value(context.region, cluster.secret_arn) or "{}")
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
