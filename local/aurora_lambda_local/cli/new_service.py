"""Writing a service of one's own: a repository that runs, is tested and deploys as it is."""

import argparse
import keyword
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from aurora_lambda_local.cli.package_sources import PACKAGES, find_sources, write_locks
from aurora_lambda_local.cli.terminal import print_line, working
from aurora_lambda_local.databases.mysql import MysqlServer
from aurora_lambda_local.platform.errors import LocalError, ServerUnavailableError, UsageError
from aurora_lambda_local.platform.paths import PACKAGE
from aurora_lambda_local.program.configuration import PROVIDERS

TEMPLATE = PACKAGE / "template"
NAME = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
# Folders of the service, and what it may install without this command's having it.
TAKEN = {*PACKAGES, "application", "fastapi", "flask", "pytest", "stacks", "tests"}
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
ENGINE = re.compile(r":engine: (\w+)")
DATABASES = {"mysql": "Aurora MySQL", "postgres": "Aurora PostgreSQL", "dsql": "Aurora DSQL"}
# Comes with a Python package.
ALWAYS_HERE = "postgres"
INSTALL_SERVER = """\
      - run: command -v mariadbd || { sudo apt-get update && sudo apt-get install --yes mariadb-server; }
"""


@dataclass(frozen=True)
class Web:
    """What answers the function URL: the parts of the template, what the handler installs, and where a route goes."""

    parts: tuple[str, ...]
    handler: str
    route: str


ROUTE_OF_A_FRAMEWORK = "a function in `application/web.py`; its test"
WEB = {
    "none": Web(
        ("service", "none"),
        '"aurora-lambda-runtime[handler]"',
        "a function in `application/routes.py` and its line in `ROUTES`; its test",
    ),
    "fastapi": Web(
        ("service", "orm", "fastapi"), '"aurora-lambda-runtime[asgi]", "fastapi>=0.163,<1"', ROUTE_OF_A_FRAMEWORK
    ),
    "flask": Web(("service", "orm", "flask"), '"aurora-lambda-runtime[wsgi]", "flask>=3.1,<4"', ROUTE_OF_A_FRAMEWORK),
}


@dataclass(frozen=True)
class NewService:
    """A service that was written, and what its author should know of it."""

    folder: Path
    database: str
    notes: list[str]


def new(options: argparse.Namespace) -> None:
    """Write a service of one's own."""
    with working(f"writing {options.name}"):
        service = create_service(options.name, options.engine, options.web)
    for note in service.notes:
        print_line(("note:", "yellow"), f" {note}")
    with working("resolving its packages"):
        lock_packages(service.folder)
    print_line((f"{service.folder.name}:", "bold"), f" a service on {service.database}, in {service.folder}")
    print_line(("\nNext:", "bold"))
    for command in (f"cd {shlex.quote(options.name)}", "make up", "make test"):
        print_line(f"    {command}")


def create_service(typed: str, engine: str, web: str) -> NewService:
    """Write a service into the folder `typed`.

    Raises:
        UsageError: the folder, its name or where this command came from cannot be used; nothing has been written then.
    """
    folder = Path(typed).resolve()
    _check_name(folder.name)
    if folder.exists() and not (folder.is_dir() and {each.name for each in folder.iterdir()} <= {".git"}):
        raise UsageError(f"{folder} exists already, and is not an empty folder: choose another name")
    sources = find_sources(folder)
    missing = _missing_server(engine)
    fields = {
        "name": folder.name,
        "version": sources.version,
        "sources": sources.toml,
        "handler": WEB[web].handler,
        "route": WEB[web].route,
        "engine": engine,
        "local_engine": ALWAYS_HERE if missing else engine,
        "database": DATABASES[engine],
        "install_server": INSTALL_SERVER if engine == MysqlServer.engine else "",
    }
    for part in WEB[web].parts:
        _write(TEMPLATE / part, folder, fields)
    sources.copy_wheels(folder)
    then = f"the stack local runs on PostgreSQL until you type: aurora-lambda config set engine {engine}"
    return NewService(folder, DATABASES[engine], [f"{missing}; {then}"] if missing else [])


def lock_packages(folder: Path) -> None:
    """Write the locks of a new service.

    Raises:
        LocalError: uv cannot resolve its packages.
    """
    try:
        write_locks(folder)
    except LocalError as error:
        remedy = "once it can, type make setup there"
        if f"{PACKAGES[0]} was not found" in str(error):
            remedy = (
                "delete it, install aurora-lambda by the names of its wheels (pip install dist/*.whl), and try again"
            )
        raise LocalError(f"{folder.name} is written, but uv cannot resolve its packages; {remedy}:\n{error}") from None


def _check_name(name: str) -> None:
    """Raise an error that says what to use, where a service cannot have this name."""
    if not (mistake := _mistake(name)):
        return
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:32].strip("-")
    if _mistake(better):
        better = f"{better or 'my'}-service"
    raise UsageError(f"a service cannot be called {name!r}: {mistake}; use, for example, {better}")


def _mistake(name: str) -> str:
    if keyword.iskeyword(name) or name in sys.stdlib_module_names:
        return "Python itself has that name"
    if name in PROVIDERS:
        return "Pulumi would read its configuration as a provider's"
    if name in TAKEN | {re.sub(r"[-_.]+", "-", each.name.lower()) for each in distributions()}:
        return "a package that it uses, or a folder in it, has that name"
    if not NAME.fullmatch(name):
        return "it must be at most 40 lower-case letters, digits and single hyphens, a letter first"
    return ""


def _missing_server(engine: str) -> str:
    """Return what to install for an engine; empty where its server is here."""
    if engine != MysqlServer.engine:
        return ""
    try:
        MysqlServer(Path(), {})
    except ServerUnavailableError as error:
        return str(error)
    return ""


def _write(part: Path, folder: Path, fields: Mapping[str, str]) -> None:
    for source in sorted(each for each in part.rglob("*") if each.is_file() and "__pycache__" not in each.parts):
        path = folder / source.relative_to(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = PLACEHOLDER.sub(lambda field: fields[field[1]], source.read_text(encoding="utf-8"))
        path.write_text(f"{_with_own_keys(path, text).rstrip()}\n", encoding="utf-8")


def _with_own_keys(path: Path, text: str) -> str:
    """Return the text of `Pulumi.yaml` with all keys, and of a stack's file without those of other engines."""
    # Imported here because Pulumi takes a second, in which a terminal shows that something goes on.
    from aurora_lambda.service.reference import pulumi_block, with_block
    from aurora_lambda.service.settings import CONFIG_KEYS, keys_of_other_engines

    if path.name == "Pulumi.yaml":
        return with_block(text, "keys", pulumi_block(CONFIG_KEYS))
    if engine := ENGINE.search(text):
        foreign = tuple(f":{key.name}: " for key in keys_of_other_engines(engine[1]))
        return "".join(line for line in text.splitlines(keepends=True) if not any(key in line for key in foreign))
    return text
