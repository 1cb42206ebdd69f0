"""MariaDB or MySQL as installed on this machine."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pymysql
from pymysql.cursors import Cursor

from aurora_lambda_local.databases.server import DatabaseServer
from aurora_lambda_local.platform.errors import ServerUnavailableError

SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/local/mysql/bin"])
REMEDY = "no MariaDB or MySQL server is installed here: apt-get install mariadb-server (macOS: brew install mariadb)"
# The rights of an RDS master user: all but SUPER, FILE and SHUTDOWN.
# Source: Amazon RDS user guide, "Master user account privileges".
MASTER_RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,"
    " CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW,"
    " CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
# Nothing here asks loopback for TLS, so the server would refuse every connection with this parameter.
IGNORED_PARAMETERS = {"require_secure_transport"}
SOCKET = "server.sock"


class MysqlServer(DatabaseServer):
    """Oracle's MySQL where that is installed, since Aurora is made of it; else MariaDB."""

    engine = "mysql"
    stop_signals = (signal.SIGTERM,)

    def __init__(self, data: Path, parameters: Mapping[str, str]) -> None:
        super().__init__(data, parameters)
        self._program, self._mariadb = _installed(self.cluster)

    def set_master(self, username: str, password: str) -> None:
        """Give `username` this password and the rights of an RDS master user."""
        with self._superuser() as cursor:
            for verb in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
                cursor.execute(f"{verb} %s@'%%' IDENTIFIED BY %s", (username, password))
            cursor.execute(f"GRANT {MASTER_RIGHTS} ON *.* TO %s@'%%' WITH GRANT OPTION", (username,))

    @contextmanager
    def _superuser(self) -> Generator[Cursor]:
        user = _os_user() if self._mariadb else "root"
        with (
            self._socket_directory() as directory,
            pymysql.connect(unix_socket=f"{directory}/{SOCKET}", user=user) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def _initialise(self, directory: Path) -> list[str]:
        if self._mariadb:
            program = _find("mariadb-install-db", "mysql_install_db")
            if not program:
                raise ServerUnavailableError(REMEDY)
            root = ["--auth-root-authentication-method=socket", f"--auth-root-socket-user={_os_user()}"]
            return [program, "--no-defaults", f"--datadir={directory}", "--skip-test-db", "--skip-name-resolve", *root]
        # root has no password; only the socket leads to it, in a directory that is its user's alone.
        return [self._program, "--no-defaults", "--initialize-insecure", f"--datadir={directory}"]

    def _prepare(self) -> None:
        # MySQL refuses to start where the process id in the lock is another program's by now.
        for stale in self.cluster.glob(f"{SOCKET}*"):
            stale.unlink()

    def _command(self) -> list[str]:
        known = (name for name in self.parameters if name.isidentifier() and name not in IGNORED_PARAMETERS)
        return [
            self._program,
            "--no-defaults",
            f"--datadir={self.cluster}",
            f"--socket={SOCKET}",
            "--pid-file=server.pid",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--character-set-server=utf8mb4",
            "--default-time-zone=+00:00",
            "--loose-mysqlx=OFF",
            # MySQL as packaged wants a directory of the system's for files that nobody here may write.
            *([] if self._mariadb else ["--secure-file-priv=NULL"]),
            # With --loose, the server warns of a name that only Aurora knows, and goes on.
            *(f"--loose-{name}={self.parameters[name]}" for name in known),
        ]

    def _ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return bool(connection.recv(1))
        except OSError:
            return False

    def _own_arguments(self) -> tuple[str, ...]:
        return (f"--datadir={self.cluster}",)


def _installed(cluster: Path) -> tuple[str, bool]:
    """Return the program of a server that can read this data, and whether it is MariaDB's."""
    found = {_is_mariadb(program): program for name in ("mariadbd", "mysqld") if (program := _find(name))}
    if not found:
        raise ServerUnavailableError(REMEDY)
    # Only MySQL keeps its catalogue in this file.
    mariadb = not (cluster / "mysql.ibd").exists() if cluster.exists() else False not in found
    if mariadb not in found:
        maker, other = ("MariaDB", "MySQL") if mariadb else ("MySQL", "MariaDB")
        raise ServerUnavailableError(
            f"{maker} wrote this stack's data, and only {other} is installed here: install {maker} again, or start"
            " anew, without the rows, with: aurora-lambda down && aurora-lambda up"
        )
    return found[mariadb], mariadb


def _is_mariadb(program: str) -> bool:
    return "MariaDB" in subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def _find(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name, path=SEARCH_PATH))), None)


def _os_user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
