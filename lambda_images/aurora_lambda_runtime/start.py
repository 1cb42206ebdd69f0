"""Starts an image's process as `python -m awslambdaric HANDLER` does, with imports from the bundle."""

import runpy
import sys

from aurora_lambda_runtime import bundle

bundle.use(sys.path[0])
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
