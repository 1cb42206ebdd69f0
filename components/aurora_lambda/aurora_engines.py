"""RDS's names of each engine, and the server parameters this project relies on: plain values, made without Pulumi."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

IDLE_SECONDS = 60
RESERVED_CONNECTIONS = 10
# Source: Aurora user guide, "Using Amazon RDS Extended Support".
LIFECYCLE_SUPPORT = {True: "open-source-rds-extended-support", False: "open-source-rds-extended-support-disabled"}


@dataclass(frozen=True)
class RdsEngine:
    """RDS's words for an engine.

    `version` is the one this project is tested with. `parameters` refuse connections without TLS and close idle ones:
    an open connection keeps a cluster from pausing.
    """

    name: str
    version: str
    version_pattern: str
    parameters: Mapping[str, str]
    defaults_since: Mapping[str, int]
    """Parameters above that have RDS's own value from a major version on: said all the same, as a change that waits.

    RDS answers so for what is its own; said to be immediate, each `up` would show a change. Source: the provider's
    aws_db_parameter_group, "Problematic Plan Changes"; Aurora user guide, "Security with Amazon Aurora PostgreSQL".
    """
    family_parts: int
    """How many parts of the version a parameter group family names."""
    logs: tuple[str, ...]
    """Logs worth exporting, and below the parameters that write statements of ten seconds and more into them.

    Source: Aurora user guide, "Publishing database logs to Amazon CloudWatch Logs"."""
    log_parameters: Mapping[str, str]
    connections: Mapping[int, int]
    """`max_connections` by the maximum of Aurora capacity units.

    Source: Aurora user guide, "Maximum connections for Aurora Serverless v2"."""

    def family(self, version: str) -> str:
        """Return the parameter group family of an engine version, e.g. `aurora-postgresql17` or `aurora-mysql8.0`."""
        return self.name + ".".join(version.split(".")[: self.family_parts])

    def apply_method(self, parameter: str, version: str) -> str | None:
        """Return when a parameter above is said to apply: None is at once."""
        since = self.defaults_since.get(parameter)
        return "pending-reboot" if since is not None and int(version.partition(".")[0]) >= since else None

    def is_version(self, version: str) -> bool:
        """Return whether `version` is of the form of this engine's versions."""
        return bool(re.fullmatch(self.version_pattern, version, re.ASCII))

    def connections_for_functions(self, max_capacity: float) -> int:
        """Return how many connections a cluster of that capacity takes, less those kept for migrations and RDS."""
        return self.max_connections(max_capacity) - RESERVED_CONNECTIONS

    def max_connections(self, max_capacity: float) -> int:
        """Return how many connections an instance of that capacity takes."""
        return self.connections[max(units for units in self.connections if units <= max_capacity)]


RDS_ENGINES: Mapping[str, RdsEngine] = {
    "mysql": RdsEngine(
        name="aurora-mysql",
        version="8.0.mysql_aurora.3.12.0",
        version_pattern=r"\d+\.\d+\.mysql_aurora(\.\d+)+",
        parameters={"require_secure_transport": "ON", "wait_timeout": str(IDLE_SECONDS)},
        defaults_since={},
        family_parts=2,
        logs=("error", "slowquery"),
        log_parameters={"slow_query_log": "1", "log_output": "FILE"},
        connections={1: 90, 4: 135, 8: 1000, 16: 2000, 32: 3000, 64: 4000, 128: 5000, 256: 6000},
    ),
    "postgres": RdsEngine(
        name="aurora-postgresql",
        version="17.10",
        version_pattern=r"\d+(\.\d+)?",
        parameters={
            "rds.force_ssl": "1",
            "idle_session_timeout": str(IDLE_SECONDS * 1000),
            # A session that vanished inside a transaction holds its locks: the timeout above does not end it.
            "idle_in_transaction_session_timeout": str(IDLE_SECONDS * 1000),
            "tcp_keepalives_idle": str(IDLE_SECONDS),
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
        },
        defaults_since={"rds.force_ssl": 17},
        family_parts=1,
        logs=("postgresql",),
        log_parameters={"log_min_duration_statement": "10000"},
        # RDS gives more above 16 units, but 2,000 at most where the minimum is 0 or 0.5.
        connections={1: 189, 4: 823, 8: 1669, 16: 2000},
    ),
}
