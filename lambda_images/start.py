"""How an image's process starts: as `python -m awslambdaric HANDLER` does, only sooner."""

import gc
import sys

gc.disable()
sys.path[0] = sys.path[0].rpartition("/")[0]

from lambda_images import bundles  # noqa: E402

bundles.use([f"{sys.path[0]}/{name}.bundle" for name in ("code", "dependencies")])

from awslambdaric.__main__ import main  # noqa: E402

gc.enable()
main(sys.argv)
