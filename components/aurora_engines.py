"""What RDS calls each engine and how this project sets its server up: plain values, made without Pulumi."""

from collections.abc import Mapping
from dataclasses import dataclass

from lambda_images.database.contract import AUTHS, ENGINES, Auth, Engine

IDLE_SECONDS = 60


@dataclass(frozen=True)
class EngineProfile:
    """What RDS calls an engine, and the server parameters this project relies on.

    `parameters` refuse plain connections and close idle ones: an open connection keeps a cluster from pausing.
    """

    rds_engine: str
    version: str
    parameters: Mapping[str, str]

    def family(self, version: str) -> str:
        """The parameter group family of an engine version, e.g. `aurora-postgresql17` or `aurora-mysql8.0`."""
        parts = version.split(".")
        return self.rds_engine + (parts[0] if self.rds_engine == "aurora-postgresql" else ".".join(parts[:2]))


PROFILES: Mapping[Engine, EngineProfile] = {
    "mysql": EngineProfile(
        rds_engine="aurora-mysql",
        version="8.0.mysql_aurora.3.12.0",
        parameters={"require_secure_transport": "ON", "wait_timeout": str(IDLE_SECONDS)},
    ),
    "postgres": EngineProfile(
        rds_engine="aurora-postgresql",
        version="17.10",
        parameters={"rds.force_ssl": "1", "idle_session_timeout": str(IDLE_SECONDS * 1000)},
    ),
}


def checked_engine(name: str, engine: str) -> Engine:
    """`engine`, or a ValueError that says what component `name` takes."""
    if engine not in ENGINES:
        raise ValueError(f"AuroraDatabase {name!r}: engine {engine!r} is not one of {', '.join(ENGINES)}")
    return engine


def checked_auth(name: str, auth: str) -> Auth:
    """`auth`, or a ValueError that says what component `name` takes."""
    if auth not in AUTHS:
        raise ValueError(f"AuroraDatabase {name!r}: auth {auth!r} is not one of {', '.join(AUTHS)}")
    return auth
