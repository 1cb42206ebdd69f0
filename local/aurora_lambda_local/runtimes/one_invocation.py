"""Runs one invocation in the terminal that it is started from: breakpoints stop it, and no deadline ends it.

This file is run by a function's own interpreter, which has awslambdaric and nothing of this package. Its arguments: the
function's handler and ARN, and the descriptor of an open file that holds the payload.
"""

import importlib
import json
import os
import sys
import time
import uuid
from bdb import BdbQuit

from awslambdaric.lambda_context import LambdaContext
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

DAY_MS = 24 * 3600 * 1000


def run(handler: str, arn: str, payload: bytes) -> str:
    """Return a handler's answer to a payload as JSON; whatever the handler raises is raised."""
    module, _, name = handler.rpartition(".")
    function = getattr(importlib.import_module(module.replace("/", ".")), name)
    context = LambdaContext(str(uuid.uuid4()), None, None, int(time.time() * 1000) + DAY_MS, arn)
    marshaller = LambdaMarshaller()
    answer, content_type = marshaller.marshal_response(function(marshaller.unmarshal_request(payload), context))
    return json.dumps(json.loads(answer), indent=2, ensure_ascii=False) if "json" in content_type else repr(answer)


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[3]), "rb") as file:
        event = file.read()
    try:
        print(run(sys.argv[1], sys.argv[2], event))
    except BdbQuit:
        sys.exit(1)
