"""The names that Pulumi gives to a stack's resources, project and stack in front, and those that AWS would refuse."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pulumi

from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.service.keys import NO_DATABASE
from aurora_lambda.service.settings import Settings
from aurora_lambda.service.stream_settings import stream_functions
from aurora_lambda_runtime.database.contract import MAIN_DATABASE

# What `make config` writes into Pulumi.yaml, and what Pulumi does by itself. A live resource keeps its name.
# Source: https://www.pulumi.com/docs/iac/concepts/resources/names/, "Auto-naming configuration".
PATTERN = "${project}-${stack}-${name}-${hex(7)}"
BARE_PATTERN = "${name}-${hex(7)}"
# The shortest names that AWS takes among a stack's, what is longer than a function's name included. Sources: Lambda API
# reference, CreateFunction; IAM user guide, "IAM and AWS STS quotas"; S3 user guide, "General purpose bucket naming
# rules"; AWS Backup API reference, CreateBackupVault.
LENGTHS = {"function": 64, "role": 64, "bucket": 63, "backup vault": 50}
SHORTEN = f"pulumi config set --path pulumi:autonaming.pattern '{BARE_PATTERN}'"


@dataclass(frozen=True)
class Names:
    """How the names of a stack's resources are made."""

    project: str
    stack: str
    pattern: str

    @classmethod
    def of_this_stack(cls) -> "Names":
        """Return those of the stack that is being deployed."""
        given = pulumi.Config("pulumi").get_object("autonaming") or {}
        return cls(pulumi.get_project(), pulumi.get_stack(), given.get("pattern", BARE_PATTERN))

    def full(self, name: str) -> str:
        """Return what the resource called `name` in the program is called, zeros for what is random.

        >>> Names("shop", "dev", PATTERN).full("handler")
        'shop-dev-handler-0000000'
        """
        known = {"project": self.project, "stack": self.stack, "name": name}
        return re.sub(
            r"\$\{(\w+)(?:\((\d+)\))?}", lambda part: known.get(part[1], "0" * int(part[2] or 0)), self.pattern
        )

    def mistake(self, kind: str, name: str) -> str:
        """Return what is wrong with the name of a resource of this kind of `LENGTHS`; empty where AWS takes it."""
        full, most = self.full(name), LENGTHS[kind]
        if len(full) <= most:
            return ""
        return (
            f"the {kind} {name!r} would be called {full!r}, {len(full)} characters, and AWS takes {most}. Shorten the"
            f" name, or do without project and stack in names. Type: {SHORTEN}"
        )


def name_mistakes(settings: Settings, names: Names) -> list[str]:
    """Return what AWS would refuse of the names that the configuration decides."""
    odd = [
        f"the {what} {given!r} is in the names of resources; must be lower-case letters, digits and single hyphens, as"
        f" AWS takes them in all of those. Rename it, or do without. Type: {SHORTEN}"
        for what, given in (("project", names.project), ("stack", names.stack))
        if f"${{{what}}}" in names.pattern and not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", given)
    ]
    return [
        *odd,
        *_beginning(settings, names),
        *(each for kind, name in _named(settings) if (each := names.mistake(kind, name))),
    ]


def _beginning(settings: Settings, names: Names) -> Iterator[str]:
    """Yield what AWS would refuse of how names begin.

    Sources: RDS API reference, CreateDBClusterParameterGroup; EC2 API reference, CreateSecurityGroup.
    """
    name = names.full(MAIN_DATABASE)
    if settings.engine in RDS_ENGINES and not settings.aurora_cluster_identifier and not name[0].isalpha():
        yield f"RDS takes no name such as {name!r}, which begins with no letter. Type: {SHORTEN}"
    if settings.in_vpc and name.startswith("sg-"):
        yield f"EC2 takes no security group's name such as {name!r}, which begins with sg-. Type: {SHORTEN}"


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.engine != NO_DATABASE:
        yield "function", "migrations"
    for name in stream_functions(settings.streams):
        yield "function", name
    for stream in settings.streams:
        if stream.on_failure == "bucket":
            yield "bucket", f"{stream.name}-failures"
    if settings.daily_backup_days and (settings.engine == "dsql" or settings.streams):
        yield "backup vault", "backups"
