"""Starting programs that never outlive this one, and ending those that an earlier one left behind."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import psutil

# Linux delivers the parent-death signal when the *thread* that started the program ends: one thread starts them all.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")
# Below the range from which Linux (32768) and macOS (49152) take the near ends of outgoing connections.
PORTS = range(20000, 32768)
# `nobody`, by number: its group is called differently from one Linux to the next.
NOBODY = 65534
_UNPRIVILEGED = (
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",  # else access() would ignore the capability
)


def spawn(
    command: list[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int | IO[bytes],
    death_signal: signal.Signals = signal.SIGKILL,
    drop_root: bool = False,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when this process dies, however it dies.

    With `drop_root`, a program started by root runs as `nobody` (database servers refuse to run as root), yet
    still reaches its files below directories that only root may enter.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*_wrapper(death_signal, drop_root=drop_root), *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    return _STARTER.submit(start).result()


def unprivileged(command: list[str]) -> list[str]:
    """`command` as root has to type it for a program that refuses to run as root; itself for anybody else."""
    return [*_wrapper(None, drop_root=True), *command]


def _wrapper(death_signal: signal.Signals | None, *, drop_root: bool) -> list[str]:
    drop = _UNPRIVILEGED if drop_root and os.geteuid() == 0 else ()
    die = (f"--pdeathsig={death_signal.name[3:]}",) if death_signal else ()
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, *drop, *die] if setpriv and (drop or die) else []


def stop(process: subprocess.Popen[bytes], *signals: signal.Signals, patience: float = 10.0) -> None:
    """Send each of `signals` in turn, waiting `patience` seconds for the end after each, then kill the session."""
    for each in signals:
        if process.poll() is not None:
            break
        process.send_signal(each)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that `spawn` started, with everything it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def end_leftovers(*prefixes: str, patience: float = 10.0) -> int:
    """End every process that has an argument starting with one of `prefixes`; say how many there were.

    The command line is what identifies a leftover: a pid file may be stale and its number taken by a stranger.
    """
    found = [process for process in psutil.process_iter() if _mentions(process, prefixes)]
    for process in found:
        # To PostgreSQL SIGTERM means "when the last client has gone".
        _signal(process, signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=patience)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=patience)
    return len(found)


def _mentions(process: psutil.Process, prefixes: tuple[str, ...]) -> bool:
    try:
        arguments = process.cmdline()
    except psutil.Error:
        return False
    return process.pid != os.getpid() and any(each.startswith(prefixes) for each in arguments)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on, and that no outgoing connection will be given."""
    return next(port for port in iter(lambda: secrets.choice(PORTS), None) if port_is_free(port))


def port_is_free(port: int) -> bool:
    """Whether `port` of 127.0.0.1 can be listened on now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.01) -> bool:
    """Poll `condition` until it holds; False when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
