"""Start programs that end with this process, and terminate those that an earlier process left behind."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

# Linux delivers the parent-death signal when the thread that started the program ends, so one thread starts them all.
_SPAWN_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")
# Below the ephemeral ports of Linux (32768) and macOS (49152), so no outgoing connection occupies one.
PORTS = range(20000, 32768)
# `nobody` by number: the name of its group differs between Linux distributions.
NOBODY = 65534
_SETPRIV_OPTIONS = (
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",  # else access() would ignore the capability
)


def command_output(command: list[str], cwd: Path, env: Mapping[str, str]) -> str:
    """Run `command` to its end, and return what it printed on both outputs."""
    output, errors = subprocess.PIPE, subprocess.STDOUT
    return subprocess.run(command, cwd=cwd, env=env, stdout=output, stderr=errors, text=True, check=False).stdout


def spawn(
    command: list[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int | IO[bytes],
    death_signal: signal.Signals = signal.SIGKILL,
    drop_root: bool = False,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when this process ends for any reason (Linux).

    With `drop_root`, a program started by root runs as `nobody` (database servers refuse to run as root) and keeps
    access to its files below directories that only root may enter. `pass_fds` are descriptors that it shares.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*_setpriv(death_signal, drop_root=drop_root), *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )

    return _SPAWN_THREAD.submit(start).result()


def unprivileged_command(command: list[str]) -> list[str]:
    """Return `command`, prefixed when this process is root so that the program runs as `nobody`."""
    return [*_setpriv(None, drop_root=True), *command]


def _setpriv(death_signal: signal.Signals | None, *, drop_root: bool) -> list[str]:
    drop = _SETPRIV_OPTIONS if drop_root and os.geteuid() == 0 else ()
    die = (f"--pdeathsig={death_signal.name[3:]}",) if death_signal else ()
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, *drop, *die] if setpriv and (drop or die) else []


def stop(process: subprocess.Popen[bytes], *signals: signal.Signals, timeout: float = 10.0) -> None:
    """Send each of `signals` in turn, wait up to `timeout` seconds for the end after each, then kill the session."""
    for each in signals:
        if process.poll() is not None:
            break
        process.send_signal(each)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            continue
    kill_process_group(process)


def kill_process_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that `spawn` started, with everything it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def kill_marked(variable: str, value: str) -> None:
    """Kill every process that has this environment variable, in whatever session; children inherit it."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == value:
                process.kill()
        except psutil.Error:
            continue


def terminate_leftovers(*prefixes: str, timeout: float = 10.0) -> int:
    """Terminate every process that has a word starting with one of `prefixes`, and return how many there were.

    A process's words are its arguments, and its environment's variables as `NAME=value`. They tell it from a program
    that has been given the id of an earlier process.
    """
    found = [process for process in psutil.process_iter(["name"]) if _has_word(process, prefixes)]
    for process in found:
        # PostgreSQL waits for its clients to disconnect on SIGTERM; SIGINT disconnects them.
        _signal(process, signal.SIGINT if process.info["name"] == "postgres" else signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=timeout)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=timeout)
    return len(found)


def _has_word(process: psutil.Process, prefixes: tuple[str, ...]) -> bool:
    return process.pid != os.getpid() and any(word.startswith(prefixes) for word in _words(process))


def _words(process: psutil.Process) -> Iterator[str]:
    """Yield what this user may read of a process's words."""
    with suppress(psutil.Error):
        yield from process.cmdline()
    with suppress(psutil.Error):
        yield from (f"{name}={value}" for name, value in process.environ().items())


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nothing listens on, outside the range of outgoing connections."""
    return next(port for port in iter(lambda: secrets.choice(PORTS), None) if port_is_free(port))


def port_is_free(port: int) -> bool:
    """Return whether `port` of 127.0.0.1 can be listened on now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.01) -> bool:
    """Poll `condition` until it holds and return True; return False when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
