"""The commands on the stack that is up here: its status, and `down`."""

import shutil
from pathlib import Path

from aurora_lambda_local.platform.errors import LocalError, UsageError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.resources.state import load_state
from aurora_lambda_local.runtimes.container import remove_containers
from aurora_lambda_local.runtimes.docker_engine import DockerUnavailableError
from aurora_lambda_local.supervisor.client import SupervisorClient, exclusive
from aurora_lambda_local.supervisor.messages import StackStatus, stopped_status


def status(checkout: Path | None = None) -> StackStatus:
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


def database_url(checkout: Path | None = None) -> str:
    """Return the URL of the database that is up, as `DATABASE_URL` takes it: its scheme is the engine's name.

    Raises:
        UsageError: none is up.
    """
    report = status(checkout)
    if not report["databaseUrl"]:
        raise UsageError("no database is running here; start one with: aurora-lambda up")
    return f"{report['engine']}://{report['databaseUrl'].partition('://')[2]}"


def has_data(checkout: Path | None = None) -> bool:
    """Return whether there are databases of any stack here."""
    return LocalPaths.for_checkout(checkout).all_data.exists()


def down(checkout: Path | None = None, *, keep_data: bool = False) -> None:
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
            try:
                remove_containers(paths, images=True)
            except DockerUnavailableError as error:
                raise LocalError(
                    f"stopped, with all data kept: the images to delete are in an engine, and {error}"
                ) from None
            _delete(paths.root)


def _delete(folder: Path) -> None:
    """Delete a folder with all that is in it; one that something is mounted on stays, empty, and so does a link."""
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            _delete(each)
        else:
            each.unlink()
    if not (folder.is_mount() or folder.is_symlink() or any(folder.iterdir())):
        folder.rmdir()
