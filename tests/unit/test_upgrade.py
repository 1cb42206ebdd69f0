"""What `aurora-lambda upgrade` changes, resolved and installed by uv from wheels that hold next to nothing."""

import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from aurora_lambda_local.cli.main import main
from aurora_lambda_local.cli.package_sources import PACKAGES
from aurora_lambda_local.cli.upgrade import newer_sections, news, take_version, with_sources
from aurora_lambda_local.platform.errors import LocalError

PROJECT = """\
[project]
name = "links"
version = "0.1.0"
requires-python = ">=3.11"
# Mine.
dependencies = ["aurora-lambda==0.2.0"]

[dependency-groups]
handler = ["aurora-lambda-runtime"]
migrations = ["aurora-lambda-runtime"]
dev = ["aurora-lambda-local"]

[tool.uv]
package = false
default-groups = ["dev", "handler", "migrations"]
"""
GIT = """\
[tool.uv.sources]
aurora-lambda = { git = "https://example.com/a.git", rev = "0f3a", subdirectory = "components" }
aurora-lambda-runtime = { git = "https://example.com/a.git", branch = "main" }
mine = { git = "https://example.com/mine.git", rev = "0f3a" }
"""
CHANGELOG = "# Changelog\n\n## 0.3.0\n\n- New.\n\n## 0.2.0\n\n- Old.\n"
WRITES_KEYS = "open('Pulumi.yaml', 'a').write('keys of 0.3.0\\n')\n"


def write_wheels(folder: Path, version: str, reference: str = "") -> Path:
    """Write the three packages as wheels, and return their folder."""
    folder.mkdir(exist_ok=True)
    for name in PACKAGES:
        package = name.replace("-", "_")
        info = f"{package}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {each}=={version}\n" for each in PACKAGES[: PACKAGES.index(name)])
        files = {
            f"{package}/__init__.py": "",
            f"{package}/CHANGELOG.md": CHANGELOG,
            f"{package}/service/reference.py": reference,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": "",
        }
        with zipfile.ZipFile(folder / f"{package}-{version}-py3-none-any.whl", "w") as wheel:
            for path, text in files.items():
                wheel.writestr(path, text)
    return folder


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a service on 0.2.0, of an index that has 0.2.0 and 0.3.0."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(write_wheels(tmp_path / "index", "0.2.0")))
    write_wheels(tmp_path / "index", "0.3.0", WRITES_KEYS)
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "Pulumi.yaml").write_text("name: links\n")
    return folder


def from_wheels(service: Path) -> str:
    """Let the service have its packages from wheels, and return the text of its `pyproject.toml`."""
    write_wheels(service / "wheels", "0.2.0")
    names = {name: f"wheels/{name.replace('-', '_')}-0.2.0-py3-none-any.whl" for name in PACKAGES}
    lines = [f'{name} = {{ path = "{wheel}" }}' for name, wheel in names.items()]
    text = "\n".join([PROJECT, "[tool.uv.sources]", *lines, ""])
    (service / "pyproject.toml").write_text(text)
    return text


def contents(service: Path) -> Mapping[str, bytes]:
    """Return what is committed of a service."""
    found = [path for path in service.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return {str(path.relative_to(service)): path.read_bytes() for path in found}


def installed(service: Path) -> Sequence[str]:
    """Return what `.venv` has of the packages."""
    site = next((service / ".venv" / "lib").glob("python*")) / "site-packages"
    return sorted(path.name for path in site.glob("aurora_lambda*.dist-info"))


def versions(number: str) -> Sequence[str]:
    return sorted(f"{name.replace('-', '_')}-{number}.dist-info" for name in PACKAGES)


def test_without_a_version_the_newest_is_taken(service: Path) -> None:
    """A year later, somebody would have to find out which number to write, and where else."""
    assert take_version(service, None) == ("0.2.0", "0.3.0")
    assert (service / "pyproject.toml").read_text() == PROJECT.replace("==0.2.0", "==0.3.0")
    locked = tomllib.loads((service / "uv.lock").read_text())["package"]
    assert {each["name"]: each["version"] for each in locked if each["name"] in PACKAGES} == dict.fromkeys(
        PACKAGES, "0.3.0"
    )
    assert sorted(path.name for path in (service / "requirements").iterdir()) == ["handler.txt", "migrations.txt"]
    assert installed(service) == versions("0.3.0")
    assert (service / "Pulumi.yaml").read_text() == "name: links\nkeys of 0.3.0\n"
    assert news(service, "0.2.0", "0.3.0") == "## 0.3.0\n\n- New."


@pytest.mark.slow
def test_a_version_that_is_named_is_taken_and_the_one_before_too(service: Path) -> None:
    """Who finds that the new one breaks something has to come back."""
    assert take_version(service, "0.3.0") == ("0.2.0", "0.3.0")
    assert take_version(service, "0.2") == ("0.3.0", "0.2.0")
    assert (service / "pyproject.toml").read_text() == PROJECT
    assert installed(service) == versions("0.2.0")


@pytest.mark.slow
def test_newer_wheels_take_the_place_of_those_in_the_service(service: Path, tmp_path: Path) -> None:
    """While nothing is published, wheels are all there is."""
    text = from_wheels(service)
    assert take_version(service, str(write_wheels(tmp_path / "dist", "0.3.0"))) == ("0.2.0", "0.3.0")
    assert (service / "pyproject.toml").read_text() == text.replace("0.2.0", "0.3.0")
    assert {path.name for path in (service / "wheels").iterdir()} == {
        path.name for path in (tmp_path / "dist").iterdir()
    }
    assert installed(service) == versions("0.3.0")


@pytest.mark.slow
def test_a_new_build_of_the_same_number_is_installed(service: Path, tmp_path: Path) -> None:
    """The code of yesterday's build would go on to run, under the number of today's."""
    from_wheels(service)
    take_version(service, str(service / "wheels"))
    take_version(service, str(write_wheels(tmp_path / "dist", "0.2.0", WRITES_KEYS)))
    assert (service / "Pulumi.yaml").read_text() == "name: links\nkeys of 0.3.0\n"


def test_the_revision_of_git_changes_and_nothing_else() -> None:
    """A package of one's own, or a folder in the repository, would be another one."""
    sources = tomllib.loads(GIT)["tool"]["uv"]["sources"]
    del sources["mine"]
    assert with_sources(Path(), GIT, sources, "v0.3.0") == GIT.replace(
        'rev = "0f3a", sub', 'rev = "v0.3.0", sub'
    ).replace('branch = "main"', 'rev = "v0.3.0"')


def test_what_cannot_be_resolved_leaves_all_as_it_was(service: Path, tmp_path: Path) -> None:
    """The service would neither run nor say what it ran with before."""
    take_version(service, "0.2.0")
    before = contents(service)
    with pytest.raises(LocalError) as refused:
        take_version(service, "0.9.0")
    assert str(refused.value).startswith("links stays at aurora-lambda 0.2.0, as it was:\nNo solution found ")
    assert "Because there is no version of aurora-lambda==0.9.0" in str(refused.value)
    assert contents(service) == before


@pytest.mark.slow
def test_what_cannot_be_installed_leaves_all_as_it_was(service: Path, tmp_path: Path) -> None:
    """The wheels would be gone, and `make up` would fail with the new ones."""
    from_wheels(service)
    take_version(service, str(service / "wheels"))
    before = contents(service)
    with pytest.raises(LocalError) as refused:
        take_version(service, str(write_wheels(tmp_path / "dist", "0.3.0", "raise SystemExit('no keys')")))
    assert str(refused.value) == "links stays at aurora-lambda 0.2.0, as it was:\nno keys"
    assert contents(service) == before


NO_WHEELS = "there are 0 of aurora-lambda, 0 of aurora-lambda-runtime, 0 of aurora-lambda-local"


@pytest.mark.parametrize(
    ("sources", "asked", "message"),
    [
        ("", "../dist", "'../dist' is no version; for example: aurora-lambda upgrade 1.2.0"),
        (GIT, 'v1" }', "'v1\" }' is no version; for example: aurora-lambda upgrade 1.2.0"),
        (
            '[tool.uv.sources]\naurora-lambda = { path = "../a/components" }\n',
            "0.3.0",
            'aurora-lambda comes from {"path": "../a/components"}, by [tool.uv.sources] of pyproject.toml:'
            " take 0.3.0 there yourself, then type: aurora-lambda upgrade",
        ),
        (
            "[tool.uv.sources]\naurora-lambda = { workspace = true }\n",
            None,
            "this is the repository of aurora-lambda itself: git pull, then make setup",
        ),
        (
            "wheels",
            None,
            "the packages come from wheels; name the folder of newer ones: aurora-lambda upgrade FOLDER",
        ),
        ("wheels", "dist", f"dist must be a folder with one wheel of each package; {NO_WHEELS}"),
        (
            "pinned twice",
            "0.3.0",
            'pyproject.toml must have "aurora-lambda==NUMBER" among its dependencies, once',
        ),
    ],
)
def test_what_it_cannot_change_is_refused_with_what_to_do(
    service: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sources: str,
    asked: str | None, message: str,
) -> None:  # fmt: skip
    """Half of the sources would change, or something that looks like success would change nothing."""
    monkeypatch.chdir(service)
    if sources == "wheels":
        from_wheels(service)
    elif sources == "pinned twice":
        (service / "pyproject.toml").write_text(PROJECT + '# "aurora-lambda==0.2.0"\n')
    else:
        (service / "pyproject.toml").write_text(PROJECT + sources)
    before = contents(service)
    assert main(["upgrade", *([asked] if asked else [])]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert contents(service) == before


@pytest.mark.parametrize(
    ("before", "after", "sections"),
    [
        ("0.2.0", "0.10.0", "## Unreleased\n\n- c\n\n## [0.10.0] - 2026-12-01\n\n- b"),
        ("0.2.1", "0.10.0", "## Unreleased\n\n- c\n\n## [0.10.0] - 2026-12-01\n\n- b"),
        ("0.10.0", "0.10.0", "## Unreleased\n\n- c"),
        ("0.10.0", "0.2.0", ""),
    ],
)
def test_the_changelog_is_read_down_to_the_version_before(before: str, after: str, sections: str) -> None:
    """Somebody would read a year of changes that they have, or miss the one that concerns them."""
    changelog = (
        "# Changelog\n\nOf 0.9.9.\n\n## Unreleased\n\n- c\n\n## [0.10.0] - 2026-12-01\n\n- b\n\n## 0.2.0\n\n- a\n"
    )
    assert newer_sections(changelog, before, after) == sections


def test_an_interrupt_leaves_all_as_it_was(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a slow download would leave a number that is not the lock's."""
    before = contents(service)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aurora_lambda_local.cli.upgrade.write_locks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take_version(service, "0.3.0")
    assert contents(service) == before
