"""The console's process, which the supervisor starts when somebody opens the console's address.

Run as `python -m aurora_lambda_local.console.server --socket=<descriptor> --local=<.local folder>`.
"""

import sys

from werkzeug.serving import WSGIRequestHandler, make_server

from aurora_lambda_local.console.application import create_application
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.platform.shell import use_local_environment
from aurora_lambda_local.supervisor.client import SupervisorClient
from aurora_lambda_local.supervisor.console_listener import SOCKET


class _Connection(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing: the address of a first visit holds the token."""


def main() -> None:
    """Answer on the socket that the command line names, until the supervisor ends this process."""
    paths = LocalPaths.of_supervisor(sys.argv)
    descriptor = next(int(each.removeprefix(SOCKET)) for each in sys.argv if each.startswith(SOCKET))
    assert paths
    use_local_environment()
    application = create_application(paths, SupervisorClient(paths).console_address())
    make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Connection, fd=descriptor).serve_forever()


if __name__ == "__main__":
    main()
