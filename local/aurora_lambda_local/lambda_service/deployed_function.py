"""A function under its name: the build deployed last, the versions published before, and the aliases that lead to them.

Source: AWS Lambda developer guide, "Manage Lambda function versions" and "Create an alias for a Lambda function".
"""

from datetime import UTC, datetime

from aurora_lambda_local.lambda_service.function import Function

LATEST = "$LATEST"
# As many as a repository keeps images, where its stack does not say otherwise.
KEPT_VERSIONS = 10


class DeployedFunction:
    """One function; `latest` is the build that was deployed last.

    Attributes:
        versions: The published builds by number, the oldest first.
        aliases: The numbers that aliases lead to, by the aliases' names.
        published_at: When each version was published.
    """

    def __init__(self, latest: Function) -> None:
        self.latest = latest
        self.versions: dict[str, Function] = {}
        self.aliases: dict[str, str] = {}
        self.published_at: dict[str, datetime] = {}
        self._publish(latest)

    def find(self, qualifier: str) -> Function | None:
        """Return the build that a version's number or an alias names, the latest without one; None where none does."""
        if qualifier in ("", LATEST):
            return self.latest
        return self.versions.get(self.aliases.get(qualifier, qualifier))

    @property
    def version(self) -> str:
        """The version that callers get: the one that an alias leads to, where there is an alias."""
        return next(iter(self.aliases.values()), self.latest.config.version)

    def environments(self) -> int:
        """Return the number of execution environments, of all builds."""
        return sum(build.environments() for build in {self.latest, *self.versions.values()})

    def deploy(self, build: Function) -> None:
        """Take another build; the one before goes on where an alias leads to it."""
        before, self.latest = self.latest, build
        self._publish(build)
        if before.config.version not in self.aliases.values():
            before.retire()

    def lead(self, alias: str, version: str) -> None:
        """Let an alias lead to another version; the one before ends what it has begun.

        Raises:
            KeyError: there is no such version.
        """
        target, before = self.versions[version], self.versions.get(self.aliases.get(alias, ""))
        target.resume()
        self.aliases[alias] = version
        if before not in (None, target):
            before.retire()

    def stop(self) -> None:
        """End all environments of all builds now."""
        for build in {self.latest, *self.versions.values()}:
            build.stop()

    def retire(self) -> None:
        """End each environment of each build as soon as it is idle."""
        for build in {self.latest, *self.versions.values()}:
            build.retire()

    def _publish(self, build: Function) -> None:
        if build.config.version == LATEST:
            return
        self.versions[build.config.version] = build
        self.published_at[build.config.version] = datetime.now(UTC)
        free = [each for each in self.versions if each not in self.aliases.values()]
        for version in free[: max(0, len(self.versions) - KEPT_VERSIONS)]:
            del self.versions[version], self.published_at[version]
