"""The provider of Aurora DSQL clusters, and the variables and URLs that lead to their stand-ins."""

import hashlib
import secrets
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote, urlencode

from aurora_lambda_local.databases.dsql.server import DsqlServer
from aurora_lambda_local.databases.dsql.tokens import ADMIN, Identity
from aurora_lambda_local.databases.server_watch import ServerWatch
from aurora_lambda_local.resources.context import ProviderResult, Resource, RunningResource, StackContext
from aurora_lambda_local.resources.resource_schemas import ACCOUNT_ID
from aurora_lambda_local.resources.running import RunningCluster
from aurora_lambda_runtime.database.contract import environment_name, values_of_databases
from aurora_lambda_runtime.database.engines.dsql import DSQL
from aurora_lambda_runtime.database.signing import AwsCredentials, dsql_token

DSQL_CLUSTER = "aws:dsql/cluster:Cluster"
# The same for every function: roles are recognised by their access key ids alone.
SECRET_ACCESS_KEY = "local"  # noqa: S105
# The access key of commands that `aurora-lambda run` starts.
USER_KEY_ID = "local"
USER_ARN = f"arn:aws:iam::{ACCOUNT_ID}:user/admin"


def dsql_cluster(context: StackContext, resource: Resource, previous: RunningResource | None) -> ProviderResult:
    """Start the stand-in of a cluster."""
    if previous:
        previous.close()
    context.identities[USER_KEY_ID] = Identity(USER_ARN, SECRET_ACCESS_KEY)
    data = context.paths.data(context.stack) / resource.id
    server = DsqlServer(data, context.identities, identifier=resource.id, region=context.region)
    server.start(context.allocate_port(f"database {resource.id}"))
    context.database_generation = secrets.token_hex(8)
    return RunningCluster(server, ServerWatch(server), partial(_admin_url, server)), {}


def access_key_id(context: StackContext, role_arn: str) -> str:
    """Return the access key id of a role on this machine, by which the stand-ins recognise the role."""
    key = f"LOCAL{hashlib.sha256(role_arn.encode()).hexdigest()[:15].upper()}"
    context.identities[key] = Identity(role_arn, SECRET_ACCESS_KEY)
    return key


def _admin_url(server: DsqlServer, schema: str) -> str:
    """Return a libpq URL that logs in as `admin`; its password is a token that is valid for 15 minutes."""
    credentials = AwsCredentials(USER_KEY_ID, SECRET_ACCESS_KEY)
    token = dsql_token(server.host, server.port, ADMIN, server.region, credentials)
    login = f"{DSQL.client_scheme}://{ADMIN}:{quote(token, safe='')}@{server.host}:{server.port}"
    options = {"options": f"-csearch_path={schema}", "sslmode": "verify-full", "sslrootcert": str(server.ca_file)}
    return f"{login}/{DSQL.maintenance_database}?{urlencode(options, quote_via=quote)}"


def local_variables(context: StackContext, variables: Mapping[str, str]) -> dict[str, str]:
    """Return a function's variables, with the stand-in's address where they name a cluster that runs here."""
    found = dict(variables)
    identifiers = values_of_databases(variables, "IDENTIFIER")
    for cluster in context.resources_of_type(DSQL_CLUSTER):
        running = context.running_resources.get(cluster.urn)
        if isinstance(running, RunningCluster) and isinstance(server := running.server, DsqlServer):
            place = {"ENDPOINT": server.host, "PORT": str(server.port), "CA": str(server.ca_file)}
            for name in [name for name, each in identifiers.items() if each == cluster.outputs["identifier"]]:
                found |= {environment_name(name, suffix): value for suffix, value in place.items()}
    return found
