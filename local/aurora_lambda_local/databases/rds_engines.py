"""RDS's names of the engines that run here. No driver is imported: commands that start no server read this too."""

from collections.abc import Mapping

from aurora_lambda_runtime.database.engines import ENGINES, EngineSpec

RDS_ENGINES: Mapping[str, str] = {"aurora-mysql": "mysql", "aurora-postgresql": "postgres"}


def engine_of_cluster(rds_engine: object) -> EngineSpec | None:
    """Return the engine that RDS calls `rds_engine`; None for one that does not run here."""
    return ENGINES.get(RDS_ENGINES.get(str(rds_engine), ""))
