"""The log of a function, and what fills it."""

import os
import threading
from pathlib import Path

from aurora_lambda_local.lambda_service.logs import FunctionLog, OutputPump
from tests.services import PATIENCE_SECONDS


class BusyLog(FunctionLog):
    """A log that is no faster than the function: whenever lines are in it, the function has printed another one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.function_output = -1

    def write(self, lines: bytes) -> None:
        super().write(lines)
        if self.function_output >= 0:
            os.write(self.function_output, b"more\n")


def test_lambdas_own_lines_are_logged_while_a_function_never_stops_printing(tmp_path: Path) -> None:
    """A function that prints in an endless loop would outlive its timeout, and its caller would wait with it."""
    log = BusyLog(tmp_path / "busy.log")
    pump = OutputPump(log)
    log.function_output = os.dup(pump.sink)
    os.write(pump.sink, b"first\n")
    own = threading.Thread(target=pump.write, args=("END RequestId: r-1",), daemon=True)
    own.start()
    own.join(PATIENCE_SECONDS)
    log.function_output, function_output = -1, log.function_output
    assert not own.is_alive()
    lines = [line.partition(" ")[2] for line in (tmp_path / "busy.log").read_text().splitlines()]
    assert lines == ["first", "END RequestId: r-1"]
    pump.start()
    os.close(function_output)
