"""Writes what was measured: a table, a plot, and how to read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

from tests.bench.samples import ROUNDS, Samples

FOLDER = Path(__file__).parent.parent.parent / "docs"
PLOT = "performance.svg"
# How long it takes.
MINUTES = 6
HEAD = """\
# Performance

Written by `make bench PEERS=1` in about {minutes} minutes; it needs a Docker engine, root, strace and, for the peers,
npm's packages; `make bench` measures no peers. What is measured is the image as it ships, in containers with a
read-only root and no rights, against psycopg and nothing else in the same image, on the same PostgreSQL server, at the
same time.

## How to read it
- A **ratio** compares two medians of one run: {rounds} rounds, in each of which everything is measured once, in turn.
  What slows the machine slows both. Milliseconds are this machine's; compare the ratios, not the milliseconds.
- The **spread** is the middle half of the ratios, each of one round.
- *Raw psycopg* is the yardstick, 1: a handler that imports psycopg as one does, compiled beforehand, from its own
  files. The bundle would speed it up too: one row compares with that, and shows what SQLAlchemy and the handler
  themselves cost. *Plain SQLAlchemy* is a Core handler with everything at its default.
- Whatever is timed is looked for afterwards: a run whose rows or tables are not there, to another connection, fails.
- A **cold start** lasts from the process's first moment to the answer that its first row is in the database; making
  the container is not in it. Ours includes routing, JSON logging and signing a token, the others don't.
- A **route**'s cold start is of a service as `aurora-lambda new --web` writes it, to the answer of its `POST /notes`:
  FastAPI and Flask come with SQLAlchemy's ORM, which the own router does without.
- A **peer** stands in the place of ours, against the same yardstick: handlers of node-postgres and Prisma, bundled by
  esbuild, on Debian's Node; Alembic with the `env.py` that `alembic init` writes, which applies all in one transaction.
- *Evicted* means that no file of the image is in memory when the process starts.
- **Round trips** are counted by a proxy, on PostgreSQL with a password and without TLS; a round trip begins when the
  client speaks after the server did.
- Rows of **DSQL** are of its stand-in on this machine, whose own time is part of every figure: they show what the
  engine's rules cost, not how fast Aurora DSQL is. Each change of a table is a transaction there, and noted before.
- Rows of **streams**, of deployments and conflicts on DSQL, and of what runs locally are measured in this machine's
  own Python, not in an image.

## What makes the difference
- One open file instead of hundreds: `aurora_lambda_runtime/bundle.py` imports installed modules out of a bundle of
  compiled modules that the build writes. The files are there too: another interpreter imports from those.
- One connection, begun in a thread while SQLAlchemy is imported, by a driver imported before.
- No question to the server whose answer is known; no BEGIN and COMMIT around a single statement.
- The garbage collector is off during imports, and never looks at what they made.
- A deployment with nothing to do takes the lock and compares file names with one SELECT, without Alembic.

What would make a start still shorter, and is left out because it rewrites or patches other people's code: modules
without annotations, regular expressions and generated functions compiled at build time, libraries without their debug
information (10 MB).

Tried, and left because it gained less than 3 %, in pairs of starts: the bundle compiled as `python -OO` does (0.98;
an `assert` in a package would not run), modules that PostgreSQL's dialect names and nobody uses by the standard
library's `LazyLoader` (0.98), this project's own modules in a bundle too (0.98), the collector off from the first
line on (0.99), the bundle mapped into memory (1.00), SQLAlchemy without its C extensions (1.00), the C library's
allocator in place of Python's (1.05).

"""


@dataclass(frozen=True)
class Row:
    """One line of the table; `ratios` are of the rounds, where there are rounds."""

    measure: str
    value: str
    target: str
    met: bool
    plain: str = ""
    spread: str = ""
    absolute: str = ""
    ratios: tuple[float, ...] = ()
    limit: float = 0.0


def ratio(
    measure: str, ours: Samples, raw: Samples, limit: float | None, *, unit: str = "ms", plain: Samples | None = None
) -> Row:
    """Return a row that compares two medians."""
    value = ours.median / raw.median
    ratios = tuple(one / other for one, other in zip(ours.values, raw.values, strict=True))
    low, high = Samples(ratios).quartiles
    return Row(
        measure,
        f"{value:.2f} x",
        f"≤ {limit:g} x" if limit else "reported",
        met=limit is None or value <= limit,
        plain=f"{plain.median / raw.median:.2f} x" if plain else "",
        spread=f"{low:.2f}-{high:.2f}",
        absolute=f"{ours.median:.3g} / {raw.median:.3g} {unit}",
        ratios=ratios,
        limit=limit or 0.0,
    )


def count(measure: str, value: float, limit: float, text: str, plain: str = "") -> Row:
    """Return a row that holds a number against a limit."""
    return Row(measure, text, f"≤ {limit:g}", met=value <= limit, plain=plain)


def exact(measure: str, value: Sequence[int], wanted: Sequence[int], plain: Sequence[int] = ()) -> Row:
    """Return a row whose numbers have to be these."""
    shown, target, other = (", ".join(map(str, numbers)) for numbers in (value, wanted, plain))
    return Row(measure, shown, target, met=tuple(value) == tuple(wanted), plain=other)


def write(rows: Sequence[Row], remarks: str, folder: Path = FOLDER) -> Path:
    """Write the page and its plot; the page's path."""
    folder.mkdir(exist_ok=True)
    _plot([row for row in rows if row.limit], folder / PLOT)
    page = folder / "performance.md"
    lines = [
        "| measure | ours | target | met | spread | plain SQLAlchemy | medians, ours / raw |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row.measure} | {row.value} | {row.target} | {'yes' if row.met else '**no**'} | {row.spread} |"
            f" {row.plain} | {row.absolute} |"
            for row in rows
        ),
    ]
    text = HEAD.format(rounds=ROUNDS, minutes=MINUTES) + "## Results\n" + "\n".join(lines)
    page.write_text(f"{text}\n\n![ratios with a target, every round]({PLOT})\n\n{remarks}")
    return page


def _plot(rows: Sequence[Row], file: Path) -> None:
    """Every round's ratio as a point, the median as a line, the limit as a mark."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "aurora-lambda"
    from matplotlib import pyplot  # noqa: PLC0415 - after the backend is chosen

    figure, axes = pyplot.subplots(figsize=(9, 0.6 * len(rows) + 1.2))
    for place, row in enumerate(reversed(rows)):
        axes.scatter(row.ratios, [place] * len(row.ratios), s=14, color="#2563eb", alpha=0.5)
        axes.plot([Samples(row.ratios).median] * 2, [place - 0.25, place + 0.25], color="#1e3a8a", linewidth=2)
        axes.plot([row.limit] * 2, [place - 0.35, place + 0.35], color="#dc2626", linestyle=":", linewidth=2)
    axes.set_yticks(range(len(rows)), [row.measure for row in reversed(rows)])
    axes.axvline(1, color="#6b7280", linewidth=0.8)
    axes.set_xlabel("ratio; points: rounds, bar: median, dotted: target")
    axes.set_xlim(left=0)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
