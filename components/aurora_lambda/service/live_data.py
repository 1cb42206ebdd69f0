"""Refuses to replace or to destroy what holds a live stack's data, unless the configuration says that it may go.

What a stack has is what its last deployment exported: its own outputs, read by Pulumi before anything is changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.naming import physical_name
from aurora_lambda.service.keys import NO_DATABASE, ConfigKey, SettingsError
from aurora_lambda.service.outputs import LIVE_DATA
from aurora_lambda.service.settings import CONFIG_KEYS, Settings
from aurora_lambda.service.stream_settings import STREAM, STREAM_KEYS, StreamSettings, new_tables

# The network of a stack that makes its own.
NEW_VPC = "new"


@dataclass(frozen=True)
class LiveStack:
    """The stack as the deployment before left it, known once this deployment may change it.

    `before` is what that one exported, nothing at first; what holds data depends on `checked`.
    """

    before: pulumi.Output[dict[str, Any]]
    checked: pulumi.Output[pulumi.Resource]


@dataclass(frozen=True)
class Replacement:
    """A key, by the path it is typed as, whose value on the live stack is another, and what that replaces."""

    path: str
    live: Any
    given: Any
    replaces: str
    protected: bool

    def __str__(self) -> str:
        return f"{self.path} is {self.given!r}, and {self.live!r} on the live stack: that replaces {self.replaces}"


class Protection(pulumi.ComponentResource):
    """A resource that Pulumi deletes before all others, and does not delete where something of the stack is protected.

    A destroy goes from what nothing depends on to what everything depends on: without this, `pulumi destroy
    --skip-preview` would delete the functions before it meets the protected database. It is there in every stack, since
    a protected resource that leaves the program fails each later `pulumi up`. Makes nothing in AWS.
    """

    def __init__(self, everything: pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]]], *, protected: bool) -> None:
        """Register it behind `everything`, the stack's components."""
        opts = pulumi.ResourceOptions(protect=protected, depends_on=everything)
        super().__init__("aurora-lambda:stacks:Protection", "protection", {}, opts)
        self.register_outputs({})


def is_protected(settings: Settings) -> bool:
    """Return whether a stack holds something that Pulumi refuses to delete."""
    tables = any(stream.deletion_protection for stream in settings.streams)
    return settings.deletion_protection or tables or not settings.force_delete


def check_live_data(settings: Settings) -> LiveStack:
    """Return the live stack, and export what the next deployment compares itself with.

    Its outputs raise `SettingsError` where data would be replaced and must not be.
    """
    name = "/".join((pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()))

    def check(outputs: Mapping[str, Any], region: str) -> dict[str, Any]:
        before = outputs.get(LIVE_DATA) or {}
        if not before:
            return before
        # Of Aurora as of DSQL the endpoint begins with the cluster's identifier.
        before = {**before, "cluster": outputs.get("databaseEndpoint", "").partition(".")[0]}
        if mistakes := live_mistakes(before, settings, region):
            raise SettingsError(pulumi.get_stack(), mistakes)
        for replacement in _replacements(before, settings, region):
            pulumi.log.warn(f"{replacement}, as replaceData allows")
        for warning in live_warnings(before, settings) if pulumi.runtime.is_dry_run() else ():
            pulumi.log.warn(warning)
        return before

    reference = pulumi.StackReference("live", name)
    region = aws.get_region_output().region
    # One secret among them makes all of them secret to Pulumi, and none is looked at but what this module exports.
    outputs = pulumi.Output.unsecret(reference.outputs)
    before = pulumi.Output.all(outputs, region).apply(lambda known: check(*known))
    pulumi.export(LIVE_DATA, pulumi.Output.all(before, region).apply(lambda known: live_data(settings, *known)))
    return LiveStack(before, before.apply(lambda _: reference))


def live_data(settings: Settings, before: Mapping[str, Any], region: str = "") -> dict[str, Any]:
    """Return what a later deployment needs to know of this one, in `region`, after one that exported `before`."""
    own_vpc = NEW_VPC if settings.in_vpc else ""
    return {
        "engine": settings.engine,
        "engineVersion": engine_version(settings, before),
        "databaseAuth": settings.database_auth,
        "protected": settings.deletion_protection,
        "region": region,
        "vpc": settings.vpc_id or own_vpc,
        "onlyFrom": _only_from(settings),
        "published": settings.publish_versions or settings.snap_start,
        "keepsImages": not settings.force_delete,
        "keys": {key.name: getattr(settings, key.field) for key in _replacing_keys(settings)},
        "tables": {name: _table(settings.streams[i], settings) for name, i in new_tables(settings.streams).items()},
        "mappings": {stream.name: _mapping(stream) for stream in settings.streams},
    }


def live_warnings(before: Mapping[str, Any], settings: Settings) -> list[str]:
    """Return what published versions make of deploying `settings` over a stack that exported `before`."""
    if NO_DATABASE in (before["engine"], settings.engine):
        return []
    warnings, after = [], live_data(settings, before)
    if before["published"] != after["published"]:
        warnings.append(
            f"functionUrl becomes another one, since the handler gets {'' if after['published'] else 'no longer '}"
            "published versions. To keep it: pulumi config set publishVersions"
            f" {'false' if after['published'] else 'true'}"
        )
    if before["published"] and before["vpc"] not in ("", after["vpc"]):
        warnings.append(
            f"the functions leave the VPC {before['vpc']!r}, which the versions that they have published hold: its"
            " deletion waits until, once the functions are updated, you type aurora-lambda prune-versions --keep 0"
            f" -s {pulumi.get_stack()}"
        )
    if before["engine"] == settings.engine and after["onlyFrom"] not in ("", before["vpc"]):
        warnings.append(
            f"the cluster refuses the functions that still run outside of {after['onlyFrom']!r}, until they are"
            " updated. To spare that, type: pulumi config set dsqlVpcOnly false; pulumi up; pulumi config rm"
            " dsqlVpcOnly; pulumi up"
        )
    return warnings


def _only_from(settings: Settings) -> str:
    """Return the VPC that the stack's own DSQL cluster takes logins from alone; empty where there is none."""
    own = settings.engine == "dsql" and settings.dsql_vpc_only and not settings.dsql_cluster_identifier
    return settings.vpc_id if own else ""


def engine_version(settings: Settings, before: Mapping[str, Any]) -> str:
    """Return the version of Aurora: the stack's file says when it changes, not the version of this project."""
    if settings.engine not in RDS_ENGINES:
        return ""
    former = before.get("engineVersion") if before.get("engine") == settings.engine else ""
    return settings.engine_version or former or RDS_ENGINES[settings.engine].version


def former_auth(settings: Settings, before: Mapping[str, Any]) -> str:
    """Return how the application has logged in to this cluster so far; nothing of another engine's, which goes."""
    return before.get("databaseAuth", "") if before.get("engine") == settings.engine else ""


def live_mistakes(before: Mapping[str, Any], settings: Settings, region: str = "") -> list[str]:
    """Return what deploying `settings` over a stack that exported `before` must not do, each with what to type."""
    mistakes = [*_leaving(before, settings), *_mapped_twice(before, settings)]
    for each in _replacements(before, settings, region):
        if each.given and each.given == before.get("cluster"):
            if settings.replace_data:
                continue
            mistakes.append(
                f"{each.path} is {each.given!r}, which is this stack's own: Pulumi would delete it. Type: "
                f"{_set(each.path, each.live)}; where it is no longer the stack's, as after pulumi state delete:"
                " pulumi config set replaceData true"
            )
        elif each.protected:
            order = _unprotect(each.path, each.live, each.given, "; pulumi config set replaceData true")
            mistakes.append(f"{each}, which is protected. {order}")
        elif not settings.replace_data:
            allow = "pulumi config set replaceData true"
            mistakes.append(f"{each}. To keep it: {_set(each.path, each.live)}; to replace it: {allow}")
    return mistakes


def _leaving(before: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Yield what would leave the program while Pulumi refuses to delete it, which fails this and each later `up`."""
    engine, given = before["engine"], settings.engine
    if engine != given and before["protected"]:
        yield (
            f"engine is {given!r}, and the live stack's {engine} database is protected: Pulumi would make the new half"
            f" and then refuse to delete the old one. {_unprotect('engine', engine, given)}"
        )
    elif given == NO_DATABASE != engine and before["keepsImages"]:
        yield (
            f"engine is {given!r}, and forceDelete false protects the migration runner's repository. Type: "
            f"{_set('engine', engine)}; pulumi config set forceDelete true; pulumi up;"
            f" {_set('engine', given)}; pulumi up"
        )
    vpc_id = before.get("onlyFrom")
    if vpc_id and engine == given and not (settings.vpc_id or settings.dsql_cluster_identifier):
        yield (
            f"vpcId is '', and the live stack's cluster takes logins from {vpc_id!r} alone, until a deployment without"
            f" has ended: it would refuse the migration. Type: {_set('vpcId', vpc_id)}, and subnetIds as they were;"
            " pulumi config set dsqlVpcOnly false; pulumi up; then deploy this configuration"
        )
    gone = before["tables"].keys() - new_tables(settings.streams).keys()
    for name in sorted(name for name in gone if before["tables"][name]["protected"]):
        yield (
            f"streams makes the table {name!r} no longer, and on the live stack it is protected: Pulumi would"
            " refuse to delete it. With its stream in streams type: pulumi config set deletionProtection false, the"
            " stream's own too; pulumi up; then deploy this configuration"
        )
    own = {_live_keys(before["tables"][name])["tablePrefix"] + name for name in gone}
    for index, stream in enumerate(settings.streams):
        if stream.existing_table and stream.full_table(physical_name("")) in own and not settings.replace_data:
            path = f"streams[{index}].existingTable"
            yield (
                f"{path} is true, and the table is this stack's own: Pulumi would delete it. Type: {_set(path, None)};"
                " where it is no longer the stack's, as after pulumi state delete: pulumi config set replaceData true"
            )


def _mapped_twice(before: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Yield which streams would map a table's stream to a function before another name's mapping of the two is gone."""
    live = {tuple(mapping): name for name, mapping in before.get("mappings", {}).items()}
    for index, stream in enumerate(settings.streams):
        name = live.get(tuple(_mapping(stream)), stream.name)
        if name != stream.name:
            path = f"streams[{index}].name"
            yield (
                f"{path} is {stream.name!r}, and {name!r} on the live stack feeds the function {stream.function_name!r}"
                f" from the table {stream.table!r}: Lambda maps a stream to a function once, and would refuse the"
                f" second one. Type: {_set(path, name)}; for another name, first deploy without the stream"
            )


def _replacements(before: Mapping[str, Any], settings: Settings, region: str) -> Iterator[Replacement]:
    after = live_data(settings, before)
    # An older release did not say where it was.
    if (live := before.get("region", "")) and live != region:
        everything = "the whole stack by a new and empty one there"
        yield Replacement("aws:region", live, region, everything, before["protected"])
    if before["engine"] == after["engine"]:
        # What an older release did not know was not given then.
        unknown = {name: "" for name, given in after["keys"].items() if CONFIG_KEYS[name].default == ""}
        for name, live in {**unknown, **before["keys"]}.items():
            given = after["keys"].get(name, live)
            if live != given:
                yield Replacement(name, live, given, CONFIG_KEYS[name].replaces, before["protected"])
    for name, index in new_tables(settings.streams).items():
        live, given = before["tables"].get(name), after["tables"][name]["keys"]
        for key, value in _live_keys(live).items() if live else ():
            if value != given[key]:
                path, replaces = f"streams[{index}].{key}", STREAM_KEYS[key].replaces
                # The protection of a table lets its stream go.
                yield Replacement(path, value, given[key], replaces, live["protected"] and replaces != STREAM)


def _live_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a table that is live; of a default prefix an older release said None."""
    return {name: physical_name("") if value is None else value for name, value in table["keys"].items()}


def _replacing_keys(settings: Settings) -> list[ConfigKey]:
    """Return the keys that decide which database the stack has."""
    keys = [
        key for key in CONFIG_KEYS.values() if key.replaces and settings.engine in {*key.engines} & {*key.replaced_on}
    ]
    # What a VPC or a cluster is made with means nothing to one that exists.
    exist = {"vpcCidr": settings.vpc_id, **dict.fromkeys(("kmsKeyArn", "vpcId"), settings.aurora_cluster_identifier)}
    return [key for key in keys if not exist.get(key.name)]


def _table(stream: StreamSettings, settings: Settings) -> dict[str, Any]:
    keys = {key.name: getattr(stream, key.field) for key in STREAM_KEYS.values() if key.replaces}
    # As it is in the table's name: by default another one after `pulumi stack rename`.
    keys["tablePrefix"] = physical_name("") if stream.table_prefix is None else stream.table_prefix
    return {"protected": stream.deletion_protection or settings.deletion_protection, "keys": keys}


def _mapping(stream: StreamSettings) -> list[str]:
    """Return what Lambda maps once: the table, by its whole name, and the function."""
    return [stream.full_table(physical_name("")), stream.function_name]


def _unprotect(path: str, live: Any, given: Any, more: str = "") -> str:
    """Return the order of commands that gives a key of what is protected another value, and sets `more`."""
    free = "pulumi config set deletionProtection false; pulumi up"
    return f"Type: {_set(path, live)}; {free}; {_set(path, given)}{more}; pulumi up"


def _set(path: str, value: Any) -> str:
    """Return the command that sets a key; an empty value is none."""
    flag = f"--path '{path}'" if "[" in path else path
    if value in ("", None):
        return f"pulumi config rm {flag}"
    return f"pulumi config set {flag} {value}"
