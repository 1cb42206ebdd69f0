"""Access of the application and the migration runner to an Aurora cluster: plain values, made without Pulumi."""

from collections.abc import Sequence
from dataclasses import dataclass

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, function_access
from aurora_lambda_runtime.database.contract import DatabaseSettings, RuntimeRole
from aurora_lambda_runtime.database.engines import Auth

MASTER_USERNAME = "dbadmin"


@dataclass(frozen=True)
class ClusterDetails:
    """A cluster that exists. An empty secret or key says that there is none of its own."""

    name: str
    engine: str
    auth: Auth
    schema: str
    runtime_role: str
    endpoint: str
    port: int
    identifier: str
    arn: str
    resource_id: str
    master_secret_arn: str
    runtime_secret_arn: str
    kms_key_arn: str
    subnet_ids: list[str]
    security_group_ids: list[str]
    master_username: str
    master_key_arn: str
    owner: str

    def runtime(self) -> FunctionAccess:
        """Return what the application gets: a role of its own, which cannot change the schema."""
        environment = self._settings(self.runtime_role, self.auth, self.runtime_secret_arn)
        return self._access(environment, self._runtime_statements())

    def admin(self) -> FunctionAccess:
        """Return what the migration runner gets: the master user, and which role to make for the application."""
        role = RuntimeRole(self.runtime_role, self.auth, self.runtime_secret_arn)
        environment = self._settings(self.master_username, "password", self.master_secret_arn, self.owner)
        return self._access({**environment, **role.to_environment(self.name)}, self._admin_statements())

    def secrets_endpoint_policy(self, stack_prefix: str, others: Sequence[str] = ()) -> str:
        """Return the policy that lets the stack's secrets and `others` through an endpoint, as JSON.

        It names them by what their names begin with, so that those of another engine, which come or go, and of the
        program's other databases are let through too: master users' passwords as RDS names them, then all else. The
        login's is named itself: it keeps its name when the stack gets another one.
        """
        partition, _, region, account = self.arn.split(":")[1:5]
        secret = f"arn:{partition}:secretsmanager:{region}:{account}:secret"
        login = [self.runtime_secret_arn] if self.runtime_secret_arn else []
        own = policies.write_secret(f"{secret}:rds!cluster-*", f"{secret}:{stack_prefix}*", *login)
        allowed = [own, *([policies.read_secret(*others)] if others else [])]
        return policies.policy_document([policies.let_through(each) for each in allowed])

    def _access(self, environment: dict[str, str], statements: list[policies.Statement]) -> FunctionAccess:
        return function_access(environment, statements, self.subnet_ids, self.security_group_ids)

    def _settings(self, db_role: str, auth: Auth, secret_arn: str, owner: str = "") -> dict[str, str]:
        return DatabaseSettings(
            name=self.name,
            engine=self.engine,
            endpoint=self.endpoint,
            port=int(self.port),
            schema=self.schema,
            db_role=db_role,
            auth=auth,
            identifier=self.identifier,
            arn=self.arn,
            secret_arn=secret_arn,
            owner=owner,
        ).to_environment()

    def _runtime_statements(self) -> list[policies.Statement]:
        if self.auth == "iam":
            return [policies.connect_to_aurora(self.arn, self.resource_id, self.runtime_role)]
        return [
            policies.read_secret(self.runtime_secret_arn),
            *policies.use_key("secretsmanager", self.kms_key_arn, "kms:Decrypt"),
        ]

    def _admin_statements(self) -> list[policies.Statement]:
        runtime_secret = [policies.write_secret(self.runtime_secret_arn)] if self.runtime_secret_arn else []
        # From PostgreSQL 16 on, who makes a role becomes its member: once that is in `rds_iam`, the server may ask the
        # master user for a token too. Source: https://www.postgresql.org/docs/16/sql-createrole.html
        token = (
            [policies.connect_to_aurora(self.arn, self.resource_id, self.master_username)] if self.auth == "iam" else []
        )
        return [
            policies.read_secret(self.master_secret_arn),
            *token,
            *runtime_secret,
            *policies.use_key("secretsmanager", self.kms_key_arn, "kms:Decrypt", "kms:GenerateDataKey"),
            *policies.use_key("secretsmanager", self.master_key_arn, "kms:Decrypt"),
        ]
