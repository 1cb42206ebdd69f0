"""Print to people: in colour and within the width of a terminal, and as plain whole lines in a pipe or a file."""

import functools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

# A text, or a text with its style in rich's words, such as `("failed", "bold red")`.
Part = str | tuple[str, str]
Item = TypeVar("Item")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What an ARN of a function still fits beside in 80 columns.
INDENTATION = 6


def print_line(*parts: Part, stream: TextIO | None = None) -> None:
    """Print the parts as one line, on the standard output by default.

    On a terminal they have their styles, unless NO_COLOR is set, and what does not fit goes on in an indented line.
    """
    file = stream or sys.stdout
    if not file.isatty():
        print("".join(part if isinstance(part, str) else part[0] for part in parts), file=file, flush=True)
        return
    from rich.text import Text

    # The cache knows `console()` only by this spelling, and a line in work gives way on its own console only.
    terminal = console(is_error=True) if file is sys.stderr else console()
    for line in Text.assemble(*parts).split("\n", allow_blank=True):
        lines = line.divide(_line_starts(line.plain, terminal.width))
        for each in lines:
            each.rstrip()
        terminal.print(Text("\n" + " " * INDENTATION).join(lines), soft_wrap=True)


def _line_starts(text: str, width: int) -> Iterator[int]:
    """Yield where a text's further lines begin, which are indented, and longer than `width` only for a longer word."""
    start, available = 0, width
    for word in re.finditer(r"\S+", text):
        if word.end() - start > available and text[start : word.start()].strip():
            yield word.start()
            start, available = word.start(), width - INDENTATION


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; on a terminal too narrow for it cells are cut off, but for ids: the next command needs them."""
    if not sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        for line in (columns, ["-" * width for width in widths], *rows):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, column in enumerate(columns):
        ids = [row[number] for row in rows if UUID.fullmatch(row[number])]
        table.add_column(column, min_width=max(map(len, ids), default=None))
    for row in rows:
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    console().print(table)


def working(text: str) -> AbstractContextManager[object]:
    """Show on a terminal that something is at work, as long as the context lasts."""
    return console().status(text) if sys.stdout.isatty() else nullcontext()


def tracked(items: Iterable[Item], total: int, text: str) -> Iterable[Item]:
    """Return the items; a terminal shows how many of them are done."""
    if not sys.stdout.isatty():
        return items
    from rich.progress import track

    return track(items, text, total, console=console(), transient=True)


def confirmed(question: str) -> bool:
    """Return whether the person at the terminal says yes; no is what counts otherwise."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


@functools.cache
def console(*, is_error: bool = False) -> "Console":
    """Return rich's console on the standard output or the standard error, for what only a terminal can show."""
    # Half as long as all else that a quick command imports, and of no use in a pipe.
    from rich.console import Console

    return Console(stderr=is_error, highlight=False, markup=False, emoji=False)


def shorten(text: str, width: int) -> str:
    """Return a text that takes at most `width` columns.

    >>> shorten("migrationRunnerLambdaArn", 10)
    'migration…'
    """
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
