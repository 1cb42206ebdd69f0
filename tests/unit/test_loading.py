"""What the handler takes from an application's package."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from aurora_lambda_runtime.application import ApplicationPackage
from aurora_lambda_runtime.handler.loading import ApplicationError, load_application

COMMANDS = "COMMANDS = {'count': len}"
ROUTES = "ROUTES = {'/': {'GET': len}}\nTABLES = ('notes',)"
WEB = "TABLES = ('notes',)\ndef app(environ, start_response):\n    return []"


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Callable[[Mapping[str, str]], ApplicationPackage]]:
    """Return what writes an application of some modules."""

    def write(modules: Mapping[str, str]) -> ApplicationPackage:
        folder = tmp_path / "written"
        folder.mkdir()
        for name, text in {"__init__": "", **modules}.items():
            (folder / f"{name}.py").write_text(text)
        return ApplicationPackage.in_folder(folder)

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "written"]:
        del sys.modules[name]


def test_an_application_is_its_commands_and_routes(package: Callable[..., ApplicationPackage]) -> None:
    """What an author writes is what runs."""
    application = load_application(package({"commands": COMMANDS, "routes": ROUTES}), {})
    assert (application.commands, application.routes, application.tables) == (
        {"count": len},
        {"/": {"GET": len}},
        ("notes",),
    )
    assert (application.web, application.database_routes) == (None, False)


def test_an_application_may_be_a_web_framework_alone(package: Callable[..., ApplicationPackage]) -> None:
    """A service has no use for an empty `commands.py`."""
    application = load_application(package({"web": WEB}), {"AURORA_LAMBDA_DATABASE_ROUTES": "true"})
    assert application.web is not None
    assert (application.commands, application.routes, application.tables) == ({}, {}, ("notes",))
    assert application.database_routes


def test_a_function_runs_its_own_command_where_the_payload_names_none(
    package: Callable[..., ApplicationPackage],
) -> None:
    """A schedule would run the handler's first command."""
    written = package({"commands": "COMMANDS = {'count': len, 'purge': max}"})
    application = load_application(written, {"AURORA_LAMBDA_COMMAND": "purge"})
    assert list(application.commands.items()) == [("purge", max), ("count", len)]


@pytest.mark.parametrize(("modules", "has"), [({"commands": COMMANDS}, "count"), ({}, "none")])
def test_a_command_that_the_application_does_not_have_is_named_at_the_start(
    package: Callable[..., ApplicationPackage], modules: dict[str, str], has: str
) -> None:
    """A misspelt command would show when the schedule is due, at night."""
    message = f"^written/commands.py has no 'purge', which this function runs; it has: {has}$"
    with pytest.raises(ApplicationError, match=message):
        load_application(package(modules), {"AURORA_LAMBDA_COMMAND": "purge"})


def test_an_application_of_tables_alone_is_one(package: Callable[..., ApplicationPackage]) -> None:
    """It answers nothing yet, and its database can be migrated."""
    application = load_application(package({}), {})
    assert (application.commands, application.routes, application.tables, application.web) == ({}, {}, (), None)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            {"web": WEB, "routes": ROUTES},
            "written has both web.py and routes.py, and only one can answer requests: delete one of them",
        ),
        ({"web": "application = 1"}, "written/web.py must define app"),
        ({"routes": ""}, "written/routes.py must define ROUTES"),
        ({"commands": "", "routes": ROUTES}, "written/commands.py must define COMMANDS"),
    ],
)
def test_an_application_that_is_ambiguous_or_lacks_something_says_so(
    package: Callable[..., ApplicationPackage], modules: Mapping[str, str], message: str
) -> None:
    """Routes that nothing reads would be dead without a word."""
    with pytest.raises(ApplicationError) as refusal:
        load_application(package(modules), {})
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("web", "missing", "extra"),
    [
        ("async def app(scope, receive, send): ...", "mangum", "asgi"),
        (WEB, "apig_wsgi", "wsgi"),
    ],
)
def test_a_missing_adapter_is_named_with_what_brings_it(
    package: Callable[..., ApplicationPackage], monkeypatch: pytest.MonkeyPatch, web: str, missing: str, extra: str
) -> None:
    """The function does not start, and the log says what to type."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError) as refusal:
        load_application(package({"web": web}), {})
    assert str(refusal.value).endswith(
        f": web.py needs aurora-lambda-runtime[{extra}] among the handler's requirements in pyproject.toml;"
        " then type make setup (in the repository of aurora-lambda itself: make setup lock)"
    )
