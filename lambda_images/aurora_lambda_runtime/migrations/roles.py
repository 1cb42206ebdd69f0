"""The application's role: made before the tables are, and its password kept once it has its rights."""

import json
import secrets
from dataclasses import replace

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import RuntimeRole, parse_master_secret
from aurora_lambda_runtime.database.errors import LoginRefusedError
from aurora_lambda_runtime.migrations.servers import Server


class RoleSetup:
    """Makes or fixes the role of one run; without a role, it does nothing.

    `password` is the role's, once `make` has run, for a role that logs in with one.
    """

    def __init__(self, server: Server, role: RuntimeRole | None) -> None:
        self._server = server
        self._role = role
        self._password_is_new = False
        self.password: str | None = None

    def make(self) -> None:
        """Make the role before the tables: their creator's default privileges then reach it."""
        if self._role is None:
            return
        if self._role.auth == "password":
            known = _kept_password(self._role)
            self.password = known or secrets.token_urlsafe(32)
            self._password_is_new = not known
        self._server.ensure_role(self._role, self.password)

    def finish(self) -> None:
        """Grant the tables, and fill the secret: should this fail, the next run makes another password."""
        if self._role is None:
            return
        self._server.grant_tables(self._role)
        if self.password and self._password_is_new:
            from aurora_lambda_runtime.database.aws import put_secret  # noqa: PLC0415 - most roles have no secret

            put_secret(self._role.secret_arn, json.dumps({"username": self._role.db_role, "password": self.password}))


def password_works(connector: Connector, role: RuntimeRole | None) -> bool:
    """Return whether the role can log in with what its secret holds; only a login shows it."""
    if role is None or role.auth == "iam":
        return True
    password = _kept_password(role)
    if password is None:
        return False
    login = Connector(replace(connector.settings, db_role=role.db_role, auth="password", password=password))
    login.deadline = connector.deadline
    try:
        login.open().close()
    except LoginRefusedError:
        return False
    return True


def _kept_password(role: RuntimeRole) -> str | None:
    """Return the password that the role's secret holds; None while it holds none."""
    from aurora_lambda_runtime.database.aws import get_secret  # noqa: PLC0415 - most roles have no secret

    value = get_secret(role.secret_arn)
    return parse_master_secret(value)[1] if value else None
