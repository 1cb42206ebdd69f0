"""`aurora-lambda up` without running the program, where that could change nothing but images and their functions."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from aurora_lambda.project import Project
from aurora_lambda.service.image_context import FOLDER, PARTS, write_context
from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.program_state import Asked, program_state
from aurora_lambda_local.program.progress import Progress, UpResult, display_type, summary
from aurora_lambda_local.resources.type_tokens import INVOCATION
from aurora_lambda_local.supervisor.client import SupervisorClient, exclusive
from aurora_lambda_local.supervisor.messages import RepeatedUpdate


def repeat(
    stack: str,
    overrides: Mapping[str, str],
    progress: Progress,
    *,
    checkout: Path | None = None,
    containers: bool = False,
) -> UpResult | None:
    """Bring a stack up again as its last `up` did, with its images and functions made from the files as they are now.

    Return None, with nothing done, where the program has to run: something else has changed, or runs no longer. The
    arguments are those of `up`.

    Raises:
        LocalError: an image could not be built, or a function does not start; what ran before goes on.
    """
    started = time.monotonic()
    asked = Asked(Project.find(checkout), stack, overrides, containers)
    paths = LocalPaths.for_checkout(asked.project.root)
    supervisor = SupervisorClient(paths)
    if not supervisor.is_current():
        return None
    with exclusive(paths):
        last = supervisor.last_program()
        if last is None or last != program_state(asked, last["modules"]):
            return None
        try:
            _write_contexts(asked.project)
        except OSError:
            # A file is just being saved, or cannot be read, which the program says.
            return None
        update = supervisor.repeat_update()
    if update is None:
        return None
    result = UpResult(update["outputs"], _report(update, progress), time.monotonic() - started)
    progress.write(summary(result))
    return result


def _write_contexts(project: Project) -> None:
    """Write the build contexts that the program wrote before."""
    for target in PARTS:
        if (project.root / FOLDER / target).is_dir():
            write_context(project, target)


def _report(update: RepeatedUpdate, progress: Progress) -> Counter[str]:
    """Tell what became of each resource, and return the number by kind of change.

    Raises:
        LocalError: a resource failed.
    """
    changes, failures = Counter(same=update["same"]), []
    for resource in update["resources"]:
        if result := resource["result"]:
            progress.note(*result["notices"])
            changes[result["change"]] += 1
            progress.change(
                result["change"], resource["type"], resource["name"], result["seconds"], recorded=result["recorded"]
            )
            if resource["type"] == INVOCATION and result["change"] != "same":
                progress.applied(str(result["outputs"].get("result", "")))
        else:
            progress.change("failed", resource["type"], resource["name"])
            failures.append(f"{display_type(resource['type'])} {resource['name']}: {resource['error']}")
    if failures:
        raise LocalError("\n".join(failures))
    progress.finish()
    return changes
