"""Repeat the last update without its program: build the images whose files have changed, and replace their functions.

The program would register the same resources again, but for the images' digests. Where anything else would differ, or
something no longer runs, nothing is done, and the program has to run.
"""

import json
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from aurora_lambda.build_context import context_files, source_digest
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.resources.context import StackContext
from aurora_lambda_local.resources.providers import PROVIDERS
from aurora_lambda_local.resources.resource_schemas import Inputs, Outputs
from aurora_lambda_local.resources.stream_providers import LOOKUPS
from aurora_lambda_local.resources.type_tokens import ALIAS, FUNCTION, FUNCTION_URL, IMAGE, INVOCATION
from aurora_lambda_local.supervisor.messages import (
    ProgramState,
    RepeatedResource,
    ResourceRequest,
    ResourceResult,
)
from aurora_lambda_local.supervisor.requested import is_unchanged, requested_resource, runs

SOURCE_DIGEST = "SOURCE_DIGEST"
# In the URN of what `ImageFunction` makes.
COMPONENT = "aurora-lambda:index:ImageFunction$"
ApplyResource = Callable[[ResourceRequest], ResourceResult]
JsonValue = TypeVar("JsonValue", ResourceRequest, Outputs)


@dataclass(frozen=True)
class ProgramRun:
    """One run of a program: what it asked for, in that order, and, once it has ended well, what it depended on."""

    requests: dict[str, ResourceRequest] = field(default_factory=dict)
    lookups: list[tuple[str, Inputs, Outputs]] = field(default_factory=list)
    program: ProgramState | None = None

    def finished(self, urns: Sequence[str], program: ProgramState | None) -> "ProgramRun":
        """Return the run with the resources that it registered in the end, and what it depended on."""
        registered = set(urns)
        requests = {urn: request for urn, request in self.requests.items() if urn in registered}
        return replace(self, requests=requests, program=program)


@dataclass(frozen=True)
class RepeatedRun:
    """A run after it was repeated: what a program would ask for now, what was made, and which digest replaces which."""

    run: ProgramRun
    resources: list[RepeatedResource]
    replaced: Mapping[str, str]


@dataclass(frozen=True)
class Repetition:
    """What a repetition of a run has to make: the images whose files changed, and what names their digests.

    Attributes:
        sources: The digests of those images' files, before and now, by URN.
        references: What those images are called by what runs them, by URN.
        touched: The URNs of what has to be made anew; what answers a URL comes first.
        invocations: The URNs of the invocations, which a look at them may run again: a deployment of migrations that
            the database is behind of.
        aliases: The URNs of the aliases that lead to the versions of functions among `touched`.
    """

    run: ProgramRun
    sources: Mapping[str, tuple[str, str]]
    references: Mapping[str, str]
    touched: Sequence[str]
    invocations: Sequence[str]
    aliases: Sequence[str]

    def carry_out(self, apply: ApplyResource, directory: Path) -> RepeatedRun:
        """Make everything anew; `apply` makes one resource, whose paths are relative to `directory`."""
        replaced = dict(self.sources.values())
        requests = {urn: replace_texts(self.run.requests[urn], replaced) for urn in self.touched}
        for urn in self.sources:
            context = directory / requests[urn]["inputs"]["build"]["context"]
            requests[urn]["files"] = [path.as_posix() for path in context_files(context)]
        images = {urn: requests[urn] for urn in self.sources}
        made = _apply_all(apply, images | {urn: self.run.requests[urn] for urn in self.invocations})
        if any(each["error"] for each in made.values()):
            # Which image the functions run is not known until the program has run.
            return RepeatedRun(ProgramRun(), [*made.values()], {})
        replaced |= {self.references[urn]: str(_outputs(made[urn])["repoDigest"]) for urn in self.sources}
        requests = {urn: replace_texts(request, replaced) for urn, request in requests.items()}
        others = [urn for urn in requests if urn not in self.sources]
        # More starts at once than there are processors would only delay the first of them.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for steps in pool.map(lambda urn: self._with_aliases(apply, urn, requests[urn]), others):
                for urn, request, resource in steps:
                    requests[urn], made[urn] = request, resource
        return RepeatedRun(replace(self.run, requests=self.run.requests | requests), [*made.values()], replaced)

    def _with_aliases(
        self, apply: ApplyResource, urn: str, request: ResourceRequest
    ) -> list[tuple[str, ResourceRequest, RepeatedResource]]:
        """Make a resource anew; the aliases of a function lead to the version that it is now."""
        made = _apply_one(apply, request)
        steps = [(urn, request, made)]
        if made["type"] == FUNCTION and not made["error"]:
            function = _outputs(made)
            for alias in self.aliases:
                inputs = self.run.requests[alias]["inputs"]
                if inputs["functionName"] == function["name"]:
                    request = {**self.run.requests[alias], "inputs": {**inputs, "functionVersion": function["version"]}}
                    steps.append((alias, request, _apply_one(apply, request)))
        return steps


def plan_repetition(run: ProgramRun, context: StackContext) -> Repetition | None:
    """Return what repeating a run makes anew.

    None where that is more than images and functions, as when the migration runner's new image has to be invoked, and
    where something else is not as the run left it, or no longer runs.
    """
    try:
        sources = dict(_changed_sources(run, context))
    except OSError:
        return None
    references = {urn: str(context.resources[urn].outputs["repoDigest"]) for urn in sources}
    stale = [*(before for before, _ in sources.values()), *references.values()]
    touched = [urn for urn, each in run.requests.items() if _mentions(each["inputs"], stale)]
    # Whoever saves waits for the functions that answer a URL.
    answering = [each["inputs"]["functionName"] for each in run.requests.values() if each["type"] == FUNCTION_URL]
    touched.sort(key=lambda urn: context.resources[urn].outputs.get("name") not in answering)
    types = {run.requests[urn]["type"] for urn in touched}
    if types & PROVIDERS.keys() - {IMAGE, FUNCTION} or not _lookups_agree(run, context):
        return None
    aliases = _aliases_of(run, [context.resources[urn].outputs.get("name") for urn in touched])
    if not all(COMPONENT in urn for urn in aliases):
        # The program itself has made one, and may lead it to any version.
        return None
    invocations = [urn for urn, each in run.requests.items() if each["type"] == INVOCATION]
    left = [requested_resource(context, each) for urn, each in run.requests.items() if urn not in touched]
    if not all(is_unchanged(context, each) and (each.type == INVOCATION or runs(context, each)) for each in left):
        return None
    return Repetition(run, sources, references, touched, invocations, aliases)


def replace_texts(value: JsonValue, replaced: Mapping[str, str]) -> JsonValue:
    """Return a value with digests replaced by others, wherever in it they are."""
    text = json.dumps(value)
    for before, now in replaced.items():
        text = text.replace(before, now)
    return json.loads(text)


def _changed_sources(run: ProgramRun, context: StackContext) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the URN of each image whose files have changed, and their digests before and now."""
    for urn, request in run.requests.items():
        build = request["inputs"].get("build", {}) if request["type"] == IMAGE else {}
        before = build.get("args", {}).get(SOURCE_DIGEST)
        if before and (now := _source_digest(build, context.program_directory)) != before:
            yield urn, (before, now)


def _source_digest(build: Inputs, directory: Path) -> str:
    """Return the digest that `LambdaImage` gives to a build."""
    arguments = {name: value for name, value in build["args"].items() if name != SOURCE_DIGEST}
    settings = {**arguments, "target": build["target"], "platform": build["platform"]}
    return source_digest(directory / build["context"], directory / build["dockerfile"], settings)


def _mentions(inputs: Inputs, texts: Iterable[str]) -> bool:
    inside = json.dumps(inputs)
    return any(text in inside for text in texts)


def _aliases_of(run: ProgramRun, functions: Container[object]) -> list[str]:
    """Return the URNs of the aliases of functions of these names."""
    return [
        urn
        for urn, request in run.requests.items()
        if request["type"] == ALIAS and request["inputs"]["functionName"] in functions
    ]


def _outputs(made: RepeatedResource) -> Outputs:
    assert made["result"]
    return made["result"]["outputs"]


def _lookups_agree(run: ProgramRun, context: StackContext) -> bool:
    """Return whether the stack still answers what the program asked of it as it did then."""
    try:
        return all(LOOKUPS[name](context, arguments) == answer for name, arguments, answer in run.lookups)
    except LocalError:
        return False


def _apply_all(apply: ApplyResource, requests: Mapping[str, ResourceRequest]) -> dict[str, RepeatedResource]:
    with ThreadPoolExecutor() as pool:
        return dict(zip(requests, pool.map(partial(_apply_one, apply), requests.values()), strict=True))


def _apply_one(apply: ApplyResource, request: ResourceRequest) -> RepeatedResource:
    try:
        return {"type": request["type"], "name": request["name"], "error": "", "result": apply(request)}
    except LocalError as error:
        return {"type": request["type"], "name": request["name"], "error": str(error), "result": None}
