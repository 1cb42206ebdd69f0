"""The commands on the stack that is up here: its status, its functions' logs, and `down`."""

import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.platform.errors import UsageError
from local.platform.paths import CHECKOUT, LocalPaths
from local.resources.state import load_state
from local.runtimes.container import remove_containers
from local.supervisor.client import SupervisorClient, exclusive
from local.supervisor.messages import StackStatus, stopped_status

FOLLOW_SECONDS = 0.1


def status(checkout: Path = CHECKOUT) -> StackStatus:
    """Return the status of the stack that is up, or of the last one that was.

    Raises:
        LocalError: nothing is up, and the state of the last `up` cannot be read.
    """
    paths = LocalPaths.for_checkout(checkout)
    supervisor = SupervisorClient(paths)
    if supervisor.is_running():
        return supervisor.status()
    state = load_state(paths.state)
    return stopped_status(state.current, state.current_stack().outputs)


def has_data(checkout: Path = CHECKOUT) -> bool:
    """Return whether there are databases of any stack here."""
    return LocalPaths.for_checkout(checkout).all_data.exists()


def down(checkout: Path = CHECKOUT, *, keep_data: bool = False) -> None:
    """Stop everything that `up` started and delete its files; with `keep_data` the databases stay.

    Raises:
        LocalError: another `up` or `down` is under way, or the Docker engine does not answer.
    """
    paths = LocalPaths.for_checkout(checkout)
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


def inject_faults(changes: Mapping[str, float], checkout: Path = CHECKOUT) -> None:
    """Change what goes wrong on demand in the DSQL clusters that are up, such as `{"conflict_rate": 0.2}`.

    Raises:
        LocalError: there is no such fault, or no DSQL cluster is up.
    """
    SupervisorClient(LocalPaths.for_checkout(checkout)).inject_faults(changes)


def read_log(name: str, checkout: Path = CHECKOUT) -> str:
    """Return a function's whole log; `name` is its name in the program or on AWS.

    Raises:
        UsageError: there is no such function.
    """
    return _log_file(name, checkout).read_text(errors="replace")


def follow_log(name: str, checkout: Path = CHECKOUT, *, from_start: bool = False) -> Iterator[str]:
    """Yield what a function logs from now on, without end; with `from_start`, its whole log first.

    Raises:
        UsageError: there is no such function.
    """
    path = _log_file(name, checkout)
    with path.open(errors="replace") as log:
        log.seek(0 if from_start else path.stat().st_size)
        while True:
            if text := log.read():
                yield text
            else:
                time.sleep(FOLLOW_SECONDS)


def _log_file(name: str, checkout: Path) -> Path:
    report = status(checkout)
    names = {short: function["name"] for short, function in report["functions"].items()}
    full_name = names.get(name, name)
    if full_name not in names.values():
        raise UsageError(f"there is no function {name!r} up here; there are: {', '.join(sorted(names)) or 'none'}")
    return LocalPaths.for_checkout(checkout).log(report["stack"], full_name)
