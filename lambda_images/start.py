"""Starts an image's process as `python -m awslambdaric HANDLER` does, with imports from the bundle."""

import runpy
import sys

from lambda_images import bundle

bundle.use(sys.path[0])
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
