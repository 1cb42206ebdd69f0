"""An `up` that runs no program: when it may, and that it leaves what a run of the program would have left."""

import json
import shutil
from collections.abc import Iterator

import pytest

from aurora_lambda_local.platform.errors import LocalError
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_local.program.progress import Progress, UpResult
from aurora_lambda_local.program.repeat import repeat
from tests.e2e.checkout import Checkout

pytestmark = pytest.mark.slow

APPLICATION = "lambda_images/application"
PROGRAM = "stacks/__main__.py"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Give a stack that is up, and whose resources were all the same when its program last ran."""
    checkout = Checkout.with_sample_application(tmp_path_factory.mktemp("repeated") / "checkout")
    checkout.run("up")
    yield checkout
    checkout.run("down")


def repeated(checkout: Checkout, **arguments: object) -> UpResult | None:
    """Bring the stack up again without its program, where that is possible."""
    options = {"overrides": {}, "containers": False} | arguments
    return repeat("local", progress=Progress([].append), checkout=checkout.folder, **options)  # ty: ignore[invalid-argument-type]


def edit(checkout: Checkout, name: str, before: str, after: str) -> None:
    file = checkout.folder / name
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def count_keys(checkout: Checkout) -> list[str]:
    return list(checkout.curl("GET", "/notes/count")[1])


def state(checkout: Checkout) -> object:
    return json.loads(LocalPaths.for_checkout(checkout.folder).state.read_text())


def run_program(checkout: Checkout) -> str:
    """Run the program, of which a comment is other than before, and return how that ended."""
    with (checkout.folder / PROGRAM).open("a") as file:
        file.write("# Again.\n")
    return checkout.run("up", "--quiet").out


def test_an_edit_of_code_leaves_what_the_program_would_have_left(checkout: Checkout) -> None:
    """Half a second would be won, and each later `up` deploy something, or miss it."""
    edit(checkout, f"{APPLICATION}/routes.py", '{"count":', '{"edited":')
    result = repeated(checkout)
    assert result is not None
    assert {change: count for change, count in result.changes.items() if change != "same"} == {"updated": 3}
    assert count_keys(checkout) == ["edited"]
    after = state(checkout)
    total = sum(result.changes.values())
    assert run_program(checkout).startswith(f"Nothing changed: {total} resources are as the program says")
    assert state(checkout) == after

    again = repeated(checkout)
    assert again is not None
    assert (again.unchanged, again.changes, again.outputs) == (True, {"same": total}, result.outputs)
    assert checkout.run("up", "--quiet").out.startswith(f"Nothing changed: {total} resources are as the program says")


def test_code_that_does_not_start_leaves_what_runs_and_is_mended_as_fast(checkout: Checkout) -> None:
    """A slip of the keyboard would end what runs, or make every later save wait for the program."""
    before = count_keys(checkout)
    edit(checkout, f"{APPLICATION}/routes.py", "ROUTES: Routes = {", "ROUTES: Routes = {{")
    with pytest.raises(LocalError, match=r"^aws:lambda:Function handler: it does not start: .*routes.py, line \d+\)"):
        repeated(checkout)
    assert count_keys(checkout) == before
    # Nothing was mended: the program runs, and says the same.
    assert repeated(checkout) is None
    assert "error: aws:lambda:Function handler: it does not start" in checkout.run("up", code=1).err

    edit(checkout, f"{APPLICATION}/routes.py", "ROUTES: Routes = {{", "ROUTES: Routes = {")
    checkout.run("up")
    edit(checkout, f"{APPLICATION}/routes.py", "ROUTES: Routes = {", "ROUTES: Routes = {{")
    with pytest.raises(LocalError):
        repeated(checkout)
    edit(checkout, f"{APPLICATION}/routes.py", "ROUTES: Routes = {{", "ROUTES: Routes = {")
    mended = repeated(checkout)
    assert mended is not None
    assert not mended.unchanged
    assert count_keys(checkout) == before
    assert run_program(checkout).startswith("Nothing changed: ")


def test_the_program_runs_where_it_could_matter(checkout: Checkout) -> None:
    """A change of the stack would be left out until some later `up`."""
    assert repeated(checkout) is not None
    edits = {
        "another value in the stack's file": ("stacks/Pulumi.local.yaml", "eu-west-1", "eu-west-2"),
        "another program": (PROGRAM, "Service()", "service = Service()"),
        "other tables": (f"{APPLICATION}/tables.py", "String(100)", "String(101)"),
        "other packages": ("lambda_images/requirements/handler.txt", "sqlalchemy==", "sqlalchemy =="),
        "another place of the application": ("pyproject.toml", "[tool.aurora-lambda]", "[tool.aurora-lambda] # x"),
    }
    decided = {}
    for what, (name, before, after) in edits.items():
        edit(checkout, name, before, after)
        decided[what] = repeated(checkout) is None
        edit(checkout, name, after, before)
    revision = checkout.folder / APPLICATION / "versions" / "0009_nothing.py"
    revision.write_text('"""nothing"""\n\nrevision = "0009"\ndown_revision = "0004"\n\n\ndef upgrade() -> None: ...\n')
    decided["another revision"] = repeated(checkout) is None
    revision.unlink()
    decided["a key for this time"] = repeated(checkout, overrides={"minCapacity": "1"}) is None
    decided["containers"] = repeated(checkout, containers=True) is None
    assert decided == dict.fromkeys(decided, True)
    assert repeated(checkout) is not None


def test_the_program_runs_where_something_no_longer_does(checkout: Checkout) -> None:
    """`up` is what people type when something is gone."""
    assert repeated(checkout) is not None
    shutil.rmtree(LocalPaths.for_checkout(checkout.folder).images)
    assert repeated(checkout) is None
    assert "restored" in checkout.run("up", "--quiet").out

    checkout.run("migrate", "downgrade", "0003")
    again = repeated(checkout)
    assert again is not None
    assert {change: count for change, count in again.changes.items() if change != "same"} == {"restored": 1}
    assert checkout.run("migrate", "current").out.startswith("0004")

    supervisor = LocalPaths.for_checkout(checkout.folder).supervisor
    info = json.loads(supervisor.read_text())
    supervisor.write_text(json.dumps({**info, "code": "older"}))
    assert repeated(checkout) is None
    supervisor.write_text(json.dumps(info))
    assert repeated(checkout) is not None


def test_a_program_that_looks_elsewhere_always_runs(checkout: Checkout) -> None:
    """What it reads would change, and `up` not know."""
    edit(checkout, PROGRAM, "Service()", "Service()\nimport os")
    checkout.run("up")
    assert repeated(checkout) is None
    edit(checkout, PROGRAM, "Service()\nimport os", "Service()")
    checkout.run("up")
    assert repeated(checkout) is not None
