"""Write docs/first-run.svg, a first run as a terminal shows it, recorded in a fresh clone of this checkout."""

import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from fcntl import ioctl
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
COLUMNS, ROWS = 100, 50
COMMANDS = (
    "make up",
    ". .venv/bin/activate",
    "aurora-lambda invoke handler",
    "URL=$(aurora-lambda status functionUrl)",
    """curl -X POST ${URL}users -d '{"name": "A user", "email": "user@example.com"}'""",
    'aurora-lambda sql "SELECT name, email FROM users"',
)
# A spinner's line is printed over by the next one, and gone at its end.
PRINTED_OVER = re.compile(r"[^\n]*\n(?:\x1b\[\?25h)?\r\x1b\[1A\x1b\[2K|[^\n]*\r\x1b\[2K|\x1b\[\?25[lh]")


def main() -> None:
    """Record the commands and write the picture."""
    script = "\n".join(f"printf '\\033[1m$ %s\\033[0m\\n' {quote(each)}\n{each}\necho" for each in COMMANDS)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        try:
            shown = terminal_output(["bash", "-c", script], folder)
        finally:
            subprocess.run([".venv/bin/aurora-lambda", "down", "--yes"], cwd=folder, check=True)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(PRINTED_OVER.sub("", shown).rstrip()))
    console.save_svg(str(ROOT / "docs" / "first-run.svg"), title="aurora-lambda")


def terminal_output(command: list[str], folder: str) -> str:
    """Return what a command prints to a terminal."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
    # Of a `make` around this one, make would tell which folder it is in.
    shell = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = shell | {"TERM": "xterm-256color", "CURL_HOME": folder}
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        output = b"".join(iter(lambda: _read(ours), b""))
    return output.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that the last program has closed it
        return b""


if __name__ == "__main__":
    sys.exit(main())
