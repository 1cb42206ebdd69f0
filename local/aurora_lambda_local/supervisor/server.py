"""The supervisor: a long-lived process that owns everything that `up` starts.

Run as `python -m aurora_lambda_local.supervisor.server --local=<.local folder>`.
"""

import hmac
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus

from aurora_lambda_local.platform.errors import LocalError, print_error
from aurora_lambda_local.platform.http_server import HttpServer, Request, Response
from aurora_lambda_local.platform.paths import LocalPaths, code_digest
from aurora_lambda_local.supervisor.console_listener import ConsoleListener
from aurora_lambda_local.supervisor.messages import SupervisorInfo
from aurora_lambda_local.supervisor.running_stack import RunningStack


class Supervisor:
    """Answer `up`, `status` and `down` over HTTP on loopback; every request needs the token in `supervisor.json`."""

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._stop_requested = threading.Event()
        self._token = secrets.token_urlsafe()
        self._stack = RunningStack(paths)
        self._server = HttpServer(self._handle)
        self._console = ConsoleListener(paths, self._stack.allocate_port("console"))

    def run(self) -> None:
        """Serve until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop_requested.set())
        self._write_info()
        self._stop_requested.wait()
        self._paths.supervisor.unlink(missing_ok=True)
        self._console.close()
        self._stack.stop()

    def _write_info(self) -> None:
        info = SupervisorInfo(
            pid=os.getpid(),
            port=self._server.port,
            token=self._token,
            code=code_digest(),
            groups=os.getgroups(),
            console=self._console.address,
        )
        new = self._paths.supervisor.with_suffix(".new")
        new.touch(0o600)
        new.write_text(json.dumps(info))
        new.replace(self._paths.supervisor)

    def _handle(self, request: Request) -> Response:
        token = request.headers.get("Authorization", "")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return _json_response(HTTPStatus.FORBIDDEN, {"error": "wrong token"})
        try:
            return _json_response(HTTPStatus.OK, self._dispatch(request))
        except LocalError as error:
            return _json_response(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)})
        except Exception as error:
            # The command that waits for the answer has to report any error whatever.
            print_error(error)
            message = f"{type(error).__name__}: {error} (more in {self._paths.supervisor_log})"
            return _json_response(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": message})

    def _dispatch(self, request: Request) -> object:
        stack = self._stack
        operations: dict[str, Callable[..., object]] = {
            "/stop": self._stop_requested.set,
            "/begin_update": stack.begin_update,
            "/apply_resource": stack.apply_resource,
            "/data_to_replace": stack.data_to_replace,
            "/data_to_delete": stack.data_to_delete,
            "/lookup": stack.lookup,
            "/finish_update": stack.finish_update,
            "/last_program": stack.last_program,
            "/repeat_update": stack.repeat_update,
            "/function_start": stack.function_start,
            "/debug_function": stack.debug_function,
            "/given_up": stack.given_up,
            "/redrive": stack.redrive,
            "/status": stack.status,
        }
        if operation := operations.get(request.path):
            return operation(**json.loads(request.body or b"{}"))
        raise LocalError(f"the supervisor has no operation {request.path}")


def _json_response(status: HTTPStatus, value: object) -> Response:
    return Response(status, json.dumps(value).encode())


def main() -> None:
    """Run the supervisor that the command line asks for."""
    if paths := LocalPaths.of_supervisor(sys.argv):
        Supervisor(paths).run()


if __name__ == "__main__":
    main()
