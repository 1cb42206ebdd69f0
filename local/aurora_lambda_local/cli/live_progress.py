"""The progress of an `up` on a terminal: finished changes stay, what is in work shows below them."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self

from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from aurora_lambda_local.cli.terminal import console, print_line, shorten
from aurora_lambda_local.program.progress import CHANGE_SYMBOLS, Progress

CHANGE_STYLES = {
    "created": "green",
    "updated": "yellow",
    "replaced": "yellow",
    "restored": "cyan",
    "deleted": "red",
    "failed": "bold red",
}
# What takes less is not worth showing.
SHOWN_SECONDS = 0.3
# The symbol before the two columns, the blanks between them, and `replaced (12.3s)` after.
OTHER_COLUMNS = 22
MAX_COLUMN = 32


class LiveProgress(Progress):
    """Shows what is in work in the last line, until its context ends."""

    def __init__(self, *, fold: bool, planned: bool = False) -> None:
        super().__init__(print_line, fold=fold, planned=planned)
        self._steps: dict[str, float] = {}
        self._started = time.monotonic()
        self._spinner = Spinner("line" if console().options.ascii_only else "dots")
        self._live = Live(get_renderable=self._render, console=console(), transient=True, refresh_per_second=10)

    def __enter__(self) -> Self:
        """Begin to show what is in work."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the last line."""
        self._live.stop()

    @contextmanager
    def working(self, step: str) -> Generator[None]:
        """Show that a step is in work as long as the context lasts."""
        self._steps[step] = time.monotonic()
        try:
            yield
        finally:
            del self._steps[step]

    @contextmanager
    def paused(self) -> Generator[None]:
        """Clear the last line as long as the context lasts."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def note(self, *texts: str) -> None:
        """Print what the person who waits should know."""
        with self._lock:
            for text in texts:
                print_line(("note:", "yellow"), f" {text}")

    def write_change(self, change: str, what: str, name: str, done: str) -> None:
        """Write a change as a line that the terminal does not wrap."""
        columns = console().width - OTHER_COLUMNS
        widths = min(MAX_COLUMN, columns // 2), min(MAX_COLUMN, columns - columns // 2)
        cells = [f"{shorten(text, width):<{width}}" for text, width in zip((what, name), widths, strict=True)]
        with self._lock:
            print_line(
                (f" {CHANGE_SYMBOLS[change]:<2} ", CHANGE_STYLES[change]),
                " ".join(cells),
                (f" {done}", CHANGE_STYLES[change]),
            )

    def _render(self) -> Spinner:
        now = time.monotonic()
        steps = [(step, now - began) for step, began in list(self._steps.items())]
        shown = [f"{step} ({seconds:.0f} s)" for step, seconds in steps if seconds > SHOWN_SECONDS]
        text = ", ".join(shown) or f"running the stack's program ({now - self._started:.0f} s)"
        self._spinner.update(text=Text(shorten(text, console().width - 3)))
        return self._spinner
