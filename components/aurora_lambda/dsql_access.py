"""Access of the application and the migration runner to an Aurora DSQL cluster: plain values, made without Pulumi."""

from dataclasses import dataclass

from aurora_lambda import policies
from aurora_lambda.access import FunctionAccess, function_access
from aurora_lambda_runtime.database.contract import DatabaseSettings, RuntimeRole

ADMIN = "admin"


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


@dataclass(frozen=True)
class ApplicationSchema:
    """One application's schema in a cluster that exists. An empty `runtime_role` means the default."""

    name: str
    cluster_arn: str
    endpoint: str
    identifier: str
    schema: str
    runtime_role: str
    function_role_arns: list[str]
    subnet_ids: list[str]
    security_group_ids: list[str]
    owner: str = ""

    def runtime(self) -> FunctionAccess:
        """Return what the application gets: a role of its own, which cannot change the schema."""
        return self._access(self._settings(self._db_role), policies.allow(["dsql:DbConnect"], self.cluster_arn))

    def admin(self) -> FunctionAccess:
        """Return what the migration runner gets: the role `admin`, and which role to make for the application."""
        role = RuntimeRole(self._db_role, "iam", iam_role_arns=tuple(self.function_role_arns))
        environment = {**self._settings(ADMIN, self.owner), **role.to_environment(self.name)}
        return self._access(environment, policies.allow(["dsql:DbConnectAdmin"], self.cluster_arn))

    @property
    def _db_role(self) -> str:
        return self.runtime_role or f"lambda_{self.schema}"

    def _settings(self, db_role: str, owner: str = "") -> dict[str, str]:
        return DatabaseSettings(
            name=self.name,
            engine="dsql",
            endpoint=self.endpoint,
            schema=self.schema,
            db_role=db_role,
            identifier=self.identifier,
            arn=self.cluster_arn,
            owner=owner,
        ).to_environment()

    def _access(self, environment: dict[str, str], statement: policies.Statement) -> FunctionAccess:
        return function_access(environment, [statement], self.subnet_ids, self.security_group_ids)
