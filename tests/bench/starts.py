"""Cold starts: from a process's first moment to the answer that its first row is in the database."""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from tests.bench.containers import ADD, PLAIN, PYTHON, Program, serve
from tests.bench.database import Database
from tests.bench.samples import ROUNDS, Samples, in_turn

PACKAGES = {"awslambdaric", "aurora_lambda_runtime", "psycopg", "psycopg_binary", "sqlalchemy"}
IMPORTED = [
    "awslambdaric.__main__",
    "psycopg",
    "aurora_lambda_runtime.handler.dispatcher",
    "aurora_lambda_runtime.database.dialects.postgres",
]
WAITING = ["sh", "-c", 'read -r go; exec "$@"', "sh"]


def programs(image: str, database: Database) -> dict[str, Program]:
    """Return the image's own handler, and two others to compare it with, in the same image on the same server."""
    given = {"DATABASE_URL": database.url(), "PYTHONPATH": "/bench"}
    return {
        "raw": Program("raw", image, given, [*PLAIN, "raw_psycopg.lambda_handler"]),
        "plain": Program("plain", image, given, [*PLAIN, "plain_sqlalchemy.lambda_handler"]),
        "ours": Program("ours", image, database.handler_environment()),
    }


def cold_starts(engine: DockerEngine, image: str, database: Database, *, evicted: bool) -> dict[str, Samples]:
    """Milliseconds of each program, and of raw psycopg `bundled`; `evicted` with no file of the image in memory."""
    files = layer_files(engine, image) if evicted else []
    measured = programs(image, database)
    start = [PYTHON, "-m", "aurora_lambda_runtime.start", "raw_psycopg.lambda_handler"]
    measured["bundled"] = Program("bundled", image, measured["raw"].environment, start)

    return in_turn(
        {
            name: partial(cold_start, engine, program, database.rows, evicted_files=files)
            for name, program in measured.items()
        }
    )


def cold_start(
    engine: DockerEngine,
    program: Program,
    rows: Callable[[], int],
    *,
    event: bytes = ADD,
    evicted_files: Sequence[str] = (),
) -> float:
    """Return the milliseconds of one start; `rows` says how many are in its database."""
    before = rows()
    evict(evicted_files)
    served = serve(engine, program, event=event)
    served.stop()
    stored(program.name, rows() - before, 1)
    return served.milliseconds


def stored(name: str, rows: int, expected: int) -> None:
    """End the measurement when a program answered without storing what it was asked to.

    Raises:
        RuntimeError: the numbers differ.
    """
    if rows != expected:
        raise RuntimeError(f"{name} was asked for {expected} rows and stored {rows}: its time says nothing")


def layer_files(engine: DockerEngine, image: str) -> list[str]:
    """Where the engine keeps the files of an image."""
    data = engine.inspect(image)["GraphDriver"]["Data"]
    layers = [*data.get("LowerDir", "").split(":"), data["UpperDir"]]
    return [str(path) for layer in layers if layer for path in Path(layer).rglob("*") if _is_plain(path)]


def evict(files: Sequence[str]) -> None:
    """Put these files out of memory."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def files_opened(engine: DockerEngine, program: Program) -> int:
    """How many times a start opens a file, libraries included, up to the first answer.

    Raises:
        RuntimeError: strace is not installed.
    """
    strace = shutil.which("strace")
    if strace is None:
        raise RuntimeError("counting opened files needs strace: apt-get install strace")
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "opened")
        tracers: list[subprocess.Popen[str]] = []

        def trace(name: str, process: subprocess.Popen[str]) -> None:
            tracers.append(_attached(strace, engine, name, log))
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

        serve(engine, program, before=WAITING, started=trace).stop()
        tracers[0].communicate()
        return sum(_opened_file(line) for line in log.read_text().splitlines())


def _attached(strace: str, engine: DockerEngine, name: str, log: Path) -> subprocess.Popen[str]:
    """Return a tracer that has taken hold of a container's process."""
    pid = "0"
    while pid in {"0", ""}:
        pid = engine.run("inspect", "--format={{.State.Pid}}", name).stdout.strip()
    line = [strace, "-f", "-e", "trace=open,openat", "-o", str(log), "-p", pid]
    tracer = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    next(each for each in tracer.stderr if "attached" in each)
    return tracer


def _opened_file(line: str) -> bool:
    return bool(re.search(r"open(at)?\(.*\) = \d+", line)) and "O_DIRECTORY" not in line


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def profile(engine: DockerEngine, image: str) -> str:
    """Return a table of what importing the handler costs, package by package, as the interpreter tells it."""
    use = "from aurora_lambda_runtime import bundle; bundle.use('/var/task')"
    command = [PYTHON, "-X", "importtime", "-c", f"import gc; gc.disable(); {use}; import {', '.join(IMPORTED)}"]
    program = Program("profile", image, {}, command)
    best: dict[str, int] = {}
    for _ in range(ROUNDS):
        for line in program.output(engine).splitlines():
            if found := re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)", line):
                best[found[2]] = min(int(found[1]), best.get(found[2], int(found[1])))
    packages: Counter[str] = Counter()
    for name, microseconds in best.items():
        top = name.partition(".")[0]
        packages[top if top in PACKAGES else "standard library"] += microseconds
    rows = [f"| {name} | {microseconds / 1000:.1f} |" for name, microseconds in packages.most_common()]
    return "\n".join(["| imported | ms, least of every module |", "|---|---|", *rows])
