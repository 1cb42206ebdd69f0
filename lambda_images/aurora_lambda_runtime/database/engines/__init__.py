"""The database engines: one `EngineSpec` each, and nothing else in the project asks which engine it is.

To add one: its spec here, a dialect, a server for the migration runner, a component and a local database.
"""

from collections.abc import Mapping

from aurora_lambda_runtime.database.engines.dsql import DSQL
from aurora_lambda_runtime.database.engines.mysql import MYSQL
from aurora_lambda_runtime.database.engines.postgres import POSTGRES
from aurora_lambda_runtime.database.engines.spec import AUTHS, Auth, EngineSpec, ErrorCodes

__all__ = [
    "AUTHS",
    "ENGINES",
    "RESERVED_ROLES",
    "RESERVED_SCHEMAS",
    "Auth",
    "EngineSpec",
    "ErrorCodes",
    "engine_of_dialect",
    "engine_of_url_scheme",
]

ENGINES: Mapping[str, EngineSpec] = {spec.name: spec for spec in (MYSQL, POSTGRES, DSQL)}
# A stack may change its engine: a name has to be free on each.
RESERVED_SCHEMAS = "|".join(spec.reserved_schemas for spec in ENGINES.values())
RESERVED_ROLES = "|".join(spec.reserved_roles for spec in ENGINES.values())


def engine_of_url_scheme(scheme: str) -> EngineSpec | None:
    """Return the engine that a database URL's scheme means, a driver's name (`postgresql+psycopg`) left aside."""
    name = scheme.partition("+")[0]
    return next((spec for spec in ENGINES.values() if name in spec.url_schemes), None)


def engine_of_dialect(name: str) -> EngineSpec:
    """Return the engine that a SQLAlchemy dialect's name means."""
    return next(spec for spec in ENGINES.values() if spec.sqlalchemy_url.partition("+")[0] == name)
