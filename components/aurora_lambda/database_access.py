"""Access of the application and the migration runner to a database: plain values, made without Pulumi."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, function_access
from aurora_lambda_runtime.database.contract import DatabaseSettings, RuntimeRole
from aurora_lambda_runtime.database.engines import Auth

MASTER_USERNAME = "dbadmin"


@dataclass(frozen=True, kw_only=True)
class DatabaseDetails:
    """A cluster that exists, and the place of one application in it."""

    name: str
    engine: str
    arn: str
    identifier: str
    endpoint: str
    schema: str
    runtime_role: str
    owner: str
    subnet_ids: list[str]
    security_group_ids: list[str]

    def _access(self, environment: dict[str, str], *statements: policies.Statement) -> FunctionAccess:
        return function_access(environment, [*statements], self.subnet_ids, self.security_group_ids)

    def _settings(self, db_role: str, **others: Any) -> dict[str, str]:
        return DatabaseSettings(
            name=self.name,
            engine=self.engine,
            endpoint=self.endpoint,
            schema=self.schema,
            db_role=db_role,
            identifier=self.identifier,
            arn=self.arn,
            **others,
        ).to_environment()


@dataclass(frozen=True, kw_only=True)
class AuroraDetails(DatabaseDetails):
    """A cluster of Aurora. An empty secret or key says that there is none of its own."""

    auth: Auth
    port: int
    resource_id: str
    master_username: str
    master_secret_arn: str
    master_key_arn: str
    runtime_secret_arn: str
    kms_key_arn: str

    def runtime(self) -> FunctionAccess:
        """Return what the application gets: a role of its own, which cannot change the schema."""
        login = {"auth": self.auth, "secret_arn": self.runtime_secret_arn}
        return self._access(
            self._settings(self.runtime_role, port=int(self.port), **login), *self._runtime_statements()
        )

    def admin(self) -> FunctionAccess:
        """Return what the migration runner gets: the master user, and which role to make for the application."""
        role = RuntimeRole(self.runtime_role, self.auth, self.runtime_secret_arn).to_environment(self.name)
        login = {"auth": "password", "secret_arn": self.master_secret_arn, "owner": self.owner}
        environment = self._settings(self.master_username, port=int(self.port), **login)
        return self._access({**environment, **role}, *self._admin_statements())

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


@dataclass(frozen=True, kw_only=True)
class DsqlDetails(DatabaseDetails):
    """A cluster of Aurora DSQL. An empty `runtime_role` means the default."""

    engine: str = "dsql"
    function_role_arns: list[str]

    def runtime(self) -> FunctionAccess:
        """Return what the application gets: a role of its own, which cannot change the schema."""
        return self._access(self._settings(self._db_role), policies.allow(["dsql:DbConnect"], self.arn))

    def admin(self) -> FunctionAccess:
        """Return what the migration runner gets: the role `admin`, and which role to make for the application."""
        role = RuntimeRole(self._db_role, "iam", iam_role_arns=tuple(self.function_role_arns))
        environment = {**self._settings("admin", owner=self.owner), **role.to_environment(self.name)}
        return self._access(environment, policies.allow(["dsql:DbConnectAdmin"], self.arn))

    @property
    def _db_role(self) -> str:
        return self.runtime_role or f"lambda_{self.schema}"


def cluster_endpoint(cluster_arn: str, vpc_endpoint_service: str = "dsql") -> str:
    """Return a cluster's host name, which is no output of the provider's.

    Through a VPC endpoint it is another name, with the last part of the endpoint service's name: the public name leads
    out of the VPC.
    Sources: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/accessing.html and
    https://docs.aws.amazon.com/aurora-dsql/latest/userguide/privatelink-managing-clusters.html,
    "Constructing the hostname"

    >>> cluster_endpoint("arn:aws:dsql:eu-west-1:123456789012:cluster/abcdefghijklmnopqrstuvwxyz")
    'abcdefghijklmnopqrstuvwxyz.dsql.eu-west-1.on.aws'
    >>> arn = "arn:aws:dsql:us-east-1:123456789012:cluster/abcdefghijklmnopqrstuvwxyz"
    >>> cluster_endpoint(arn, "com.amazonaws.us-east-1.dsql-fnh4")
    'abcdefghijklmnopqrstuvwxyz.dsql-fnh4.us-east-1.on.aws'
    """
    region, identifier = cluster_arn.split(":")[3], cluster_arn.rpartition("/")[2]
    service = vpc_endpoint_service.rpartition(".")[2]
    return f"{identifier}.{service}.{region}.on.aws"
