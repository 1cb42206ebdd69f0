"""Every configuration key of a stack: what it takes, its default and its meaning, declared once."""

import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from aurora_lambda import alarms, aurora_args, function_args, function_role, image, migration
from aurora_lambda.arguments import flag, objects, strings, text
from aurora_lambda.function_role import FunctionRoleArgs
from aurora_lambda.function_url import ORIGINS
from aurora_lambda.project import Project, ProjectError
from aurora_lambda.service import function_settings, stream_settings
from aurora_lambda.service.database_settings import AURORA, DatabaseSettings, aurora_key, common_key
from aurora_lambda.service.function_settings import FunctionSettings, settings_of
from aurora_lambda.service.keys import WITHOUT_DATABASE_TOO, ConfigKey, config_key, declared_keys, given_arguments
from aurora_lambda.service.stream_settings import StreamSettings

_DATABASE, _FUNCTION, _MIGRATION = aurora_args.ARGUMENTS, function_args.ARGUMENTS, migration.ARGUMENTS
_IMAGE, _ROLE, _ALARMS = image.ARGUMENTS, function_role.ARGUMENTS, alarms.ARGUMENTS

# Source: AWS general reference, "Tag naming limits and requirements", less those of the stack.
MAX_TAGS = 47
TAGS = strings(
    # Source: IAM user guide, "Rules for tagging in IAM and AWS STS", where keys differ by more than their case.
    r"(?i:(?!aws:|(?:project|stack|name)=)[\w.:/+@ -]{1,128}=[\w.:/=+@ -]{0,256})",
    "a list of KEY=VALUE without project, stack and Name, which the stack sets, and aws:, which is AWS's own."
    " Type: pulumi config set --path 'tags[0]' team=payments",
)
# Where a program declares keys of its own, beside its `__main__.py`.
PROGRAM_SETTINGS = "settings.py"


@dataclass(frozen=True)
class Settings(DatabaseSettings):
    """One stack's configuration, checked. Each field is the configuration key of the same name in camelCase.

    An empty text or list stands for nothing given.
    """

    handler_memory: int = config_key(_FUNCTION["memory_size"], "Memory of the handler.")
    handler_timeout: int = config_key(_FUNCTION["timeout"], "How long an invocation of the handler may take.")
    handler_concurrency: int = config_key(
        _FUNCTION["reserved_concurrency"],
        "Most instances of the handler at once, each with one connection to the database; -1: no limit but the"
        " account's, which is 10 in a new one, 1000 later. A limit takes from what the account has.",
    )
    function_url_auth: str = config_key(
        _FUNCTION["url_auth_type"],
        "Who may call the function URL: signed requests only, or everybody.",
        "AWS_IAM",
    )
    database_routes: bool = config_key(
        flag(default=False),
        "Whether a public function URL answers `/info` and `/init` too, which say where the database is; a signed one"
        " always does.",
    )
    function_url_cors: tuple[str, ...] = config_key(
        ORIGINS,
        "Web pages of other origins that may call the function URL.",
    )
    migration_memory: int = config_key(_MIGRATION["memory_size"], "Memory of the migration runner.")
    migration_timeout: int = config_key(_MIGRATION["timeout"], "How long a migration may take.")
    architecture: str = common_key(_FUNCTION["architecture"], "Processor of the functions.")
    base_image: str = common_key(
        text(r"[a-z0-9][\w./:@-]*", "an image reference"),
        "Base image of the functions, in place of the one that the runtime's Dockerfile names.",
        "",
    )
    snap_start: bool = config_key(
        _FUNCTION["snap_start"],
        "Whether the handler starts from a snapshot, at a price; aurora-lambda prune-versions deletes old ones.",
    )
    publish_versions: bool = common_key(
        _FUNCTION["publish"],
        "Whether deployments leave versions of the functions, for aurora-lambda rollback. Another value changes the"
        " function URL.",
        True,
    )
    log_retention_days: int = common_key(_FUNCTION["log_retention_days"], "How long logs are kept.")
    database_logs: bool = aurora_key(
        _DATABASE["export_logs"],
        "Whether the database's errors and statements of ten seconds and more are in CloudWatch Logs, at its price.",
    )
    tracing: bool = common_key(
        _FUNCTION["tracing"],
        "Whether Lambda samples invocations as traces for X-Ray, at a price for each trace.",
    )
    alarm_email: str = common_key(
        _ALARMS["email"],
        "Address that gets mail when an alarm rings, once its owner has followed the link in the first one.",
        "",
    )
    alarm_topic_arn: str = common_key(
        _ALARMS["topic_arn"],
        "SNS topic that is told of alarms; empty: one of the stack's own, where alarmEmail is given.",
        "",
    )
    alarms: bool = common_key(
        flag(default=True),
        "Whether there are alarms on functions and database, where alarmEmail or alarmTopicArn says who is told; 0.10"
        " USD a month each.",
    )
    dashboard: bool = common_key(
        flag(default=False),
        "Whether there is a CloudWatch dashboard of the stack, its link being the output dashboardUrl; 3 USD a month.",
    )
    permissions_boundary: str = common_key(
        _ROLE["permissions_boundary"],
        "Policy beyond which no role of the stack allows anything; empty: none.",
        "",
    )
    role_path: str = common_key(
        _ROLE["path"],
        "Path of the stack's roles, which policies can match them by. Another value replaces the roles; on DSQL it"
        " keeps the functions from new connections, from the migration until they are updated.",
    )
    tags: tuple[str, ...] = common_key(
        TAGS,
        "Tags of every resource, beside its project, stack and Name.",
    )
    keep_images: int = common_key(
        _IMAGE["keep_images"],
        "How many images each repository keeps, the newest ones.",
    )
    force_delete: bool = common_key(
        _IMAGE["force_delete"],
        "Whether destroying the stack deletes repositories that hold images; never with deletionProtection.",
    )
    streams: tuple[StreamSettings, ...] = common_key(
        objects(stream_settings.TAKES),
        "Streams of DynamoDB tables and the functions they feed, each with the keys below.",
    )

    functions: tuple[FunctionSettings, ...] = common_key(
        objects(function_settings.TAKES),
        "What functions get besides: environment variables, secrets, IAM statements; each entry with the keys below.",
    )

    @property
    def in_vpc(self) -> bool:
        """Whether the functions that use the database are in a VPC."""
        return self.engine in AURORA or bool(self.vpc_id)

    @property
    def tells_of_alarms(self) -> bool:
        """Whether there are alarms, and somebody who is told of them."""
        return self.alarms and bool(self.alarm_email or self.alarm_topic_arn)

    @property
    def encryption(self) -> dict[str, str]:
        """The argument of a component that encrypts by the stack's own key; none where there is no such key."""
        return {"kms_key_arn": self.kms_key_arn} if self.kms_key_arn else {}

    @property
    def own_tags(self) -> dict[str, str]:
        """The tags that the configuration gives, by their keys."""
        return {key: value for key, _, value in (tag.partition("=") for tag in self.tags)}

    @property
    def stack_tags(self) -> dict[str, pulumi.Input[str]]:
        """The tags of every resource of the stack."""
        return {**self.own_tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}

    @property
    def fence(self) -> dict[str, Any]:
        """The arguments that fence every role of the stack."""
        return {"path": self.role_path, **given_arguments(self, ("permissions_boundary",))}

    def role_arguments(self, *, in_vpc: bool) -> FunctionRoleArgs:
        """Return the arguments of a function's role."""
        return {"network_interfaces": in_vpc, "tags": self.stack_tags, **self.fence}

    def function_arguments(self, name: str, variables: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments of the function of this name that the stack's file decides.

        `variables` are those of the program, over which those of the file win.
        """
        given = settings_of(self.functions, name)
        return {
            "environment": {**variables, **given.variables},
            "policy_statements": given.statements,
            **given_arguments(self, ("architecture", "log_retention_days", "tracing")),
            **self.encryption,
            "tags": self.stack_tags,
        }


CONFIG_KEYS: Mapping[str, ConfigKey] = declared_keys(Settings)


def keys_of_other_engines(engine: str) -> list[ConfigKey]:
    """Return the keys that mean nothing on `engine`; none where there is no such engine."""
    known = engine in WITHOUT_DATABASE_TOO
    return [key for key in CONFIG_KEYS.values() if known and engine not in key.engines]


def tag_mistakes(tags: Sequence[str]) -> list[str]:
    """Return what is wrong with tags that are right by themselves."""
    keys = [tag.partition("=")[0].lower() for tag in tags]
    mistakes = [f"tags has {key!r} twice, or in another case: IAM takes one" for key in {*keys} if keys.count(key) > 1]
    if len(keys) > MAX_TAGS:
        mistakes.append(f"tags are {len(keys)}; must be at most {MAX_TAGS}: AWS takes 50, and the stack sets three")
    return sorted(mistakes)


def program_settings(project: Project) -> type[Settings]:
    """Return the class that declares the program's keys beside those of every service; `Settings` where none does.

    The program itself gives the class to `load_settings`. Commands that run no program find it here.

    Raises:
        ProjectError: the file cannot be run, or has several such classes.
    """
    file = project.program / PROGRAM_SETTINGS
    if not file.is_file():
        return Settings
    try:
        defined = runpy.run_path(str(file), run_name="settings").values()
    except Exception as error:
        raise ProjectError(f"{file} cannot be read: {type(error).__name__}: {error}") from error
    kinds = [each for each in defined if isinstance(each, type) and issubclass(each, Settings) and each is not Settings]
    if len(kinds) > 1:
        names = " and ".join(kind.__name__ for kind in kinds)
        raise ProjectError(f"{file} has {names}; put all keys into one class")
    return kinds[0] if kinds else Settings
