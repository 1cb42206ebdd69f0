"""Aurora DSQL's stand-in with faults that tests switch on: what goes wrong on a cluster now and then."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import SystemRandom
from typing import cast

from psycopg import sql

from aurora_lambda_local.databases.dsql.cluster import Cluster, Limits
from aurora_lambda_local.databases.dsql.errors import ConnectionDroppedError, refused_login
from aurora_lambda_local.databases.dsql.gateway import Gateway
from aurora_lambda_local.databases.dsql.rules import Kind
from aurora_lambda_local.databases.dsql.server import DsqlServer
from aurora_lambda_local.databases.dsql.storage import StorageConnection
from aurora_lambda_local.databases.dsql.transaction import Transaction

WRITES = {Kind.DDL, Kind.DML, Kind.LOCK}


@dataclass(frozen=True)
class Faults(Limits):
    """How often each fault happens, beside limits that may be lower than DSQL's.

    Rates are between 0 and 1, of the transactions that write: `conflict_rate` are refused at their commit with 40001,
    `drop_rate` lose their connection at it, half of them before the commit is done and half after. The next
    `waking_up` logins are refused as by a cluster that is waking up. `schema_conflicts` says whether a changed catalog
    is an error in other sessions, as on DSQL.
    """

    conflict_rate: float = 0.0
    drop_rate: float = 0.0
    waking_up: int = 0
    schema_conflicts: bool = True


class _Cluster(Cluster):
    @property
    def faults(self) -> Faults:
        return cast(Faults, self.limits)

    def catalog_changed(self, known: int) -> bool:
        return self.faults.schema_conflicts and super().catalog_changed(known)


class _Transaction(Transaction):
    def __init__(self, storage: StorageConnection, cluster: _Cluster) -> None:
        super().__init__(storage, cluster)
        self._faulty = cluster

    def commit(self) -> None:
        faults, writes = self._faulty.faults, bool(self._now.kinds & WRITES)
        if writes and _happens(faults.conflict_rate):
            raise self._conflict()
        drops = writes and _happens(faults.drop_rate)
        if drops and _happens(0.5):
            raise ConnectionDroppedError
        super().commit()
        if drops:
            raise ConnectionDroppedError


class _Gateway(Gateway):
    def check_name(self, name: str) -> None:
        super().check_name(name)
        faults = cast(_Cluster, self.cluster).faults
        if faults.waking_up:
            self.cluster.limits = replace(faults, waking_up=faults.waking_up - 1)
            raise refused_login("waking up cluster, please retry later")

    def new_transaction(self, storage: StorageConnection) -> Transaction:
        return _Transaction(storage, cast(_Cluster, self.cluster))


class FaultyServer(DsqlServer):
    """A stand-in whose `faults` may be set at any time."""

    gateway_type = _Gateway

    def __init__(self, data: Path, faults: Faults) -> None:
        super().__init__(data, cluster=_Cluster(faults))

    @property
    def faults(self) -> Faults:
        """The faults that happen now."""
        return cast(_Cluster, self.cluster).faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.cluster.limits = faults

    @contextmanager
    def temporary_schemas(self) -> Generator[None]:
        """Drop the schemas that were made within: a cluster takes ten."""
        with self._storage.superuser() as connection:
            query = "SELECT nspname FROM pg_namespace"
            before = connection.execute(query).fetchall()
            connection.commit()
            yield
            connection.execute("SET lock_timeout = '10s'")
            for (name,) in set(connection.execute(query).fetchall()) - set(before):
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))

    @contextmanager
    def any_number_of_schemas(self) -> Generator[None]:
        """Take more than ten schemas within."""
        with self._storage.superuser() as connection:
            connection.autocommit = True
            connection.execute("ALTER EVENT TRIGGER check_schemas DISABLE")
            yield
            connection.execute("ALTER EVENT TRIGGER check_schemas ENABLE")


def _happens(rate: float) -> bool:
    return SystemRandom().random() < rate
