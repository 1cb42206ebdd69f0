"""The stand-in as a whole: a server that is started and stopped like the other databases on this machine."""

from pathlib import Path
from typing import ClassVar

import trustme

from aurora_lambda_local.databases.dsql.cluster import Cluster, JobRunner
from aurora_lambda_local.databases.dsql.gateway import Endpoint, Gateway
from aurora_lambda_local.databases.dsql.storage import Storage
from aurora_lambda_local.databases.dsql.tokens import Identity


class DsqlServer:
    """An Aurora DSQL cluster on this machine, which clients reach as `host`.

    They may also call it by the name that it has on AWS, `<identifier>.dsql.<region>.on.aws`, if they can tell where
    that is. `identities` are who may sign tokens, by access key id; add to it at any time. `ca_file` is what clients
    verify the server with.
    """

    engine = "dsql"
    host = "localhost"
    gateway_type: ClassVar[type[Gateway]] = Gateway

    def __init__(
        self,
        data: Path,
        identities: dict[str, Identity] | None = None,
        *,
        identifier: str = "local",
        region: str = "us-east-1",
        cluster: Cluster | None = None,
    ) -> None:
        self.data = data.absolute()
        self.identifier = identifier
        self.region = region
        self.identities = {} if identities is None else identities
        self.ca_file = self.data / "ca.pem"
        self.port = 0
        self._storage = Storage(self.data, {})
        self.cluster = cluster or Cluster()
        self._gateway: Gateway | None = None
        self._jobs: JobRunner | None = None

    def start(self, port: int | None = None) -> None:
        """Start it, creating the cluster when absent, also again after a part of it has died.

        Its certificates are made anew.

        Raises:
            ServerUnavailableError: it does not start; the message ends with PostgreSQL's log.
        """
        self.stop()
        self._storage.start(port)
        self.port = self._storage.port
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        hosts = (self.host, f"{self.identifier}.dsql.{self.region}.on.aws")
        endpoint = Endpoint(hosts, self.region, self.identities, authority)
        self._gateway = self.gateway_type(self.port, endpoint, self._storage, self.cluster)
        self._jobs = JobRunner(self._storage.superuser, self.cluster)

    def alive(self) -> bool:
        """Return whether it answers."""
        return self._gateway is not None and self._gateway.alive() and self._storage.alive()

    def bound_log(self) -> None:
        """Keep PostgreSQL's log from growing without end."""
        self._storage.bound_log()

    def end_connections(self) -> None:
        """End all connections, as their age or a fault of the cluster does."""
        if self._gateway:
            self._gateway.end_connections()

    def stop(self) -> None:
        """End all connections and shut down; nothing happens when it is not running."""
        if self._gateway and self._jobs:
            self._gateway.stop()
            self._jobs.stop()
            self._gateway = self._jobs = None
        self._storage.stop()
