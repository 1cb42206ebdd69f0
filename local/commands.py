"""What a person asks of the stack that is up here: how it is, what its functions log, and to end it."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.platform.errors import UsageError
from local.platform.paths import CHECKOUT, LocalPaths
from local.resources.state import load
from local.runtimes.container import remove_containers
from local.supervisor.client import SupervisorClient, exclusive

FOLLOW_SECONDS = 0.1


def status(checkout: Path = CHECKOUT) -> dict[str, Any]:
    """How the stack is.

    Returns:
        `stack`, `engine`, `running`, `outputs`; `functions`, by their name in the program: `name`, `arn`,
        `memorySize` (MB), `timeout` (s) and `environments` (how many there are); `lambdaEndpoint`, `functionUrl`,
        `awsEndpoint` and `databaseUrl`. The last holds the local server's password, which nothing stores.

    Raises:
        LocalError: nothing is up, and what the last `up` left cannot be read.
    """
    paths = LocalPaths.of(checkout)
    control = SupervisorClient(paths)
    if control.running():
        return control.call("/status")
    state = load(paths.state)
    stack = state.stack()
    return {
        "stack": state.current,
        "engine": str(stack.outputs.get("engine", "")),
        "running": False,
        "outputs": stack.outputs,
        "functions": {},
        "lambdaEndpoint": "",
        "functionUrl": "",
        "awsEndpoint": "",
        "databaseUrl": "",
    }


def down(checkout: Path = CHECKOUT, *, keep_data: bool = False) -> None:
    """End everything that `up` started, and delete what it kept; with `keep_data` the databases stay."""
    paths = LocalPaths.of(checkout)
    if not paths.root.exists():
        return
    with exclusive(paths):
        SupervisorClient(paths).stop()
        if keep_data:
            shutil.rmtree(paths.logs, ignore_errors=True)
            paths.supervisor_log.unlink(missing_ok=True)
        else:
            remove_containers(paths, images=True)
            shutil.rmtree(paths.root)


def read_log(name: str, checkout: Path = CHECKOUT) -> str:
    """All that a function has logged; `name` is its name in the program or on AWS.

    Raises:
        UsageError: there is no such function.
    """
    return _log(name, checkout).read_text(errors="replace")


def follow_log(name: str, checkout: Path = CHECKOUT, *, from_start: bool = False) -> Iterator[str]:
    """What a function logs from now on, as it comes; without end.

    Raises:
        UsageError: there is no such function.
    """
    path = _log(name, checkout)
    with path.open(errors="replace") as log:
        log.seek(0 if from_start else path.stat().st_size)
        while True:
            if text := log.read():
                yield text
            else:
                time.sleep(FOLLOW_SECONDS)


def _log(name: str, checkout: Path) -> Path:
    report = status(checkout)
    names = {short: about["name"] for short, about in report["functions"].items()}
    full = names.get(name, name)
    if full not in names.values():
        raise UsageError(f"there is no function {name!r} up here; there are: {', '.join(sorted(names)) or 'none'}")
    return LocalPaths.of(checkout).log(report["stack"], full)
