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
# The local server has no TLS, so it would refuse every connection with this parameter.
IGNORED_PARAMETERS = {"require_secure_transport"}
SOCKET = "server.sock"


class MysqlServer(DatabaseServer):
    """MariaDB, or Oracle's MySQL where only that is installed."""

    engine = "mysql"
    stop_signals = (signal.SIGTERM,)

    def __init__(self, data: Path, parameters: Mapping[str, str]) -> None:
        super().__init__(data, parameters)
        self._program = _find("mariadbd", "mysqld")
        version = subprocess.run([self._program, "--version"], capture_output=True, text=True, check=True).stdout
        self._mariadb = "MariaDB" in version

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
            root = ["--auth-root-authentication-method=socket", f"--auth-root-socket-user={_os_user()}"]
            return [program, "--no-defaults", f"--datadir={directory}", "--skip-test-db", "--skip-name-resolve", *root]
        login = self.data / "login.sql"
        login.write_text(f"ALTER USER root@localhost IDENTIFIED WITH auth_socket AS '{_os_user()}';\n")
        plugin = "--plugin-load-add=auth_socket.so"
        options = ["--no-defaults", "--initialize-insecure", f"--datadir={directory}", plugin]
        return [self._program, *options, f"--init-file={login}"]

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
            *([] if self._mariadb else ["--plugin-load-add=auth_socket.so"]),
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


def _find(*names: str) -> str:
    for name in names:
        if path := shutil.which(name, path=SEARCH_PATH):
            return path
    raise ServerUnavailableError(REMEDY)


def _os_user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
