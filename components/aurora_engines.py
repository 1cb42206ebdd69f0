"""What RDS calls each engine, and the server parameters this project relies on: plain values, made without Pulumi."""

from collections.abc import Mapping
from dataclasses import dataclass

IDLE_SECONDS = 60


@dataclass(frozen=True)
class RdsEngine:
    """RDS's words for an engine.

    `version` is the one this project is tested with. `parameters` refuse connections without TLS and close idle ones:
    an open connection keeps a cluster from pausing.
    """

    name: str
    version: str
    parameters: Mapping[str, str]
    family_parts: int
    """How many parts of the version a parameter group family names."""

    def family(self, version: str) -> str:
        """Return the parameter group family of an engine version, e.g. `aurora-postgresql17` or `aurora-mysql8.0`."""
        return self.name + ".".join(version.split(".")[: self.family_parts])


RDS_ENGINES: Mapping[str, RdsEngine] = {
    "mysql": RdsEngine(
        name="aurora-mysql",
        version="8.0.mysql_aurora.3.12.0",
        parameters={"require_secure_transport": "ON", "wait_timeout": str(IDLE_SECONDS)},
        family_parts=2,
    ),
    "postgres": RdsEngine(
        name="aurora-postgresql",
        version="17.10",
        parameters={"rds.force_ssl": "1", "idle_session_timeout": str(IDLE_SECONDS * 1000)},
        family_parts=1,
    ),
}
