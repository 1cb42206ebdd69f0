"""Asks dsql-lint, a program of AWS's, what Aurora DSQL would refuse.

Source: https://github.com/awslabs/aurora-dsql-tools/tree/main/dsql-lint
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

# Installed beside the interpreter, in an image as in a virtual environment.
PROGRAM = Path(sys.executable).with_name("dsql-lint")


def find_unsupported(sql: Mapping[str, str]) -> list[str]:
    """Return a line for each statement that DSQL would refuse, of the SQL of revisions by their ids."""
    with TemporaryDirectory() as folder:
        files = [Path(folder, f"{revision}.sql") for revision in sql]
        for file in files:
            file.write_text(sql[file.stem])
        # It ends with 1 when it finds something.
        command = [PROGRAM, "--format", "json", *files]
        report = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    return [
        f"revision {Path(file['file']).stem} ({found['statement_preview'].rstrip(';')}):"
        f" {found['message']} {found['suggestion']}"
        for file in report["files"]
        for found in file["diagnostics"]
    ]
