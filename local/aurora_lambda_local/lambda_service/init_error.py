"""Describes the error of a failed init phase: its type, its message and its place in the source."""

import json
import re
from pathlib import Path

from aurora_lambda_local.lambda_service.environment import FunctionConfig, environment_variables
from aurora_lambda_local.lambda_service.logs import FunctionLog
from aurora_lambda_local.lambda_service.runtime_api import Outcome

# Matches a place as tracebacks and the runtime client's syntax errors write it.
FRAME = re.compile(r'File "([^"]+)",? [Ll]ine (\d+)')
# Imports a handler's module for its traceback, which the runtime client leaves out.
IMPORT = "import importlib, sys; importlib.import_module(sys.argv[1].rpartition('.')[0])"


def describe_init_error(config: FunctionConfig, outcome: Outcome, log: FunctionLog) -> str:
    """Return an init phase's error in one line, with the file and line of the function's own code."""
    error = json.loads(outcome.payload)
    trace = "".join(error.get("stackTrace") or [])
    if error["errorType"] == "Runtime.ImportModuleError":
        trace = config.image.run_python(["-c", IMPORT, config.handler], environment_variables(config, ""))
        log.write(trace.rstrip().encode())
    frames = [(Path(file), line) for file, line in FRAME.findall(trace)]
    own = [
        (file.relative_to(config.image.directory), line)
        for file, line in frames
        if file.is_relative_to(config.image.directory)
    ]
    where = f" ({own[-1][0]}, line {own[-1][1]})" if own else ""
    return f"{error['errorType']}: {error['errorMessage']}{where}"
