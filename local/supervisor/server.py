"""The process that owns all that lives on after `up`: it makes each resource so, as it is asked.

Run as `python -m local.supervisor.server --local=<.local folder>`.
"""

import hmac
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from local.platform.errors import LocalError
from local.platform.http_server import Request, Response, Server
from local.platform.paths import LocalPaths, code_digest
from local.supervisor.stack import RunningStack


class Supervisor:
    """Answers `up`, `status` and `down` over HTTP on loopback, to whoever holds the token."""

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._stopped = threading.Event()
        self._token = secrets.token_urlsafe()
        self._running = RunningStack(paths)
        self._server = Server(self._handle)

    def run(self) -> None:
        """Serve until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopped.set())
        self._announce()
        self._stopped.wait()
        self._paths.supervisor.unlink(missing_ok=True)
        self._running.stop()

    def _announce(self) -> None:
        about = {"pid": os.getpid(), "port": self._server.port, "token": self._token, "code": code_digest()}
        new = self._paths.supervisor.with_suffix(".new")
        new.touch(0o600)
        new.write_text(json.dumps(about))
        new.replace(self._paths.supervisor)

    def _handle(self, request: Request) -> Response:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return _answer(HTTPStatus.FORBIDDEN, {"error": "wrong token"})
        try:
            return _answer(HTTPStatus.OK, self._do(request.path, json.loads(request.body or b"{}")))
        except LocalError as error:
            return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)})
        except Exception as error:
            # Whatever it is, the person who waits for the answer has to be told.
            message = f"{type(error).__name__}: {error} (more in {self._paths.supervisor_log})"
            sys.excepthook(*sys.exc_info())  # ty: ignore[invalid-argument-type]
            return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": message})

    def _do(self, path: str, body: Mapping[str, Any]) -> object:
        match path:
            case "/begin":
                return self._running.begin(
                    body["stack"], body["region"], Path(body["program"]), containers=body["containers"]
                )
            case "/resource":
                return self._running.put(body["urn"], body["type"], body["name"], body["inputs"], body["files"])
            case "/finish":
                return self._running.finish(body["urns"], body["outputs"])
            case "/status":
                return self._running.status()
            case "/stop":
                self._stopped.set()
                return {}
        raise LocalError(f"the supervisor knows no {path}")


def _answer(status: HTTPStatus, value: object) -> Response:
    return Response(status, json.dumps(value).encode())


def main() -> None:
    """Run the supervisor that the command line asks for."""
    root = next(each.removeprefix("--local=") for each in sys.argv if each.startswith("--local="))
    Supervisor(LocalPaths(Path(root))).run()


if __name__ == "__main__":
    main()
