"""What an init phase that failed says: the error's type and message, and where in the source it is."""

import json
import re
from pathlib import Path

from local.lambda_service.environment import FunctionConfig, environment_variables
from local.lambda_service.logs import FunctionLog
from local.lambda_service.runtime_api import Outcome

# As in tracebacks, and as the runtime client has it for syntax errors.
FRAME = re.compile(r'File "([^"]+)",? [Ll]ine (\d+)')
# Imports a handler's module, because the runtime client does not tell where an import failed.
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
