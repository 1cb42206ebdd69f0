"""What a new service tells uv of where its packages come from."""

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aurora_lambda_local.cli.package_sources import PACKAGES, find_sources
from aurora_lambda_local.platform.errors import UsageError

VERSION = "9.8.7"
Install = Callable[[Mapping[str, Any] | None], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what installs a package as an installer records it, from what `direct_url.json` says."""
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(site)

    def package(name: str, origin: Mapping[str, Any] | None) -> None:
        folder = site / f"{name.replace('-', '_')}-{VERSION}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n")
        if origin:
            (folder / "direct_url.json").write_text(json.dumps(origin))

    return package


def wheel(folder: Path, name: str) -> Path:
    """Write a wheel's file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name.replace('-', '_')}-{VERSION}-py3-none-any.whl"
    path.write_text(name)
    return path


def test_packages_of_an_index_are_named_by_version_alone(install: Callable[..., None], tmp_path: Path) -> None:
    """Any source would hold a service to this machine, or to this version."""
    for name in PACKAGES:
        install(name, None)
    found = find_sources(tmp_path / "links")
    assert (found.version, found.toml, found.wheels) == (VERSION, "", [])


def test_a_checkout_is_named_by_its_path_from_the_service(install: Callable[..., None], tmp_path: Path) -> None:
    """Who works on both would get yesterday's package, or one from an index that has the name."""
    for name, folder in zip(PACKAGES, ("components", "lambda images", "local"), strict=True):
        (tmp_path / folder).mkdir()
        editable = {"editable": True} if folder != "local" else {}
        install(name, {"url": (tmp_path / folder).as_uri(), "dir_info": editable})
    found = find_sources(tmp_path / "services" / "links")
    assert tomllib.loads(found.toml) == {
        "tool": {
            "uv": {
                "sources": {
                    "aurora-lambda": {"path": "../../components", "editable": True},
                    "aurora-lambda-runtime": {"path": "../../lambda images", "editable": True},
                    "aurora-lambda-local": {"path": "../../local"},
                }
            }
        }
    }


def test_wheels_come_along(install: Callable[..., None], tmp_path: Path) -> None:
    """A clone on another machine has no folder of this one."""
    for name in PACKAGES:
        install(name, {"url": wheel(tmp_path / "dist", name).as_uri(), "archive_info": {}})
    found, folder = find_sources(tmp_path / "links"), tmp_path / "links"
    assert tomllib.loads(found.toml)["tool"]["uv"] == {
        "sources": {name: {"path": f"wheels/{name.replace('-', '_')}-{VERSION}-py3-none-any.whl"} for name in PACKAGES}
    }
    folder.mkdir()
    found.copy_wheels(folder)
    assert {path.name: path.read_text() for path in (folder / "wheels").iterdir()} == {
        f"{name.replace('-', '_')}-{VERSION}-py3-none-any.whl": name for name in PACKAGES
    }


def test_wheels_that_pip_found_beside_the_named_one_come_along_too(
    install: Callable[..., None], tmp_path: Path
) -> None:
    """`pip install dist/aurora_lambda_local*.whl --find-links dist` records the first one alone."""
    wheels = {name: wheel(tmp_path / "dist", name) for name in PACKAGES}
    install("aurora-lambda", None)
    install("aurora-lambda-runtime", None)
    install("aurora-lambda-local", {"url": wheels["aurora-lambda-local"].as_uri(), "archive_info": {}})
    assert set(find_sources(tmp_path / "links").wheels) == set(wheels.values())


def test_a_git_reference_stays_one(install: Callable[..., None], tmp_path: Path) -> None:
    """A team takes an unpublished version by its tag, and uv.lock holds the commit."""
    git = {"vcs": "git", "commit_id": "0f3a", "requested_revision": "v9.8.7"}
    install("aurora-lambda", {"url": "https://example.com/a.git", "vcs_info": git, "subdirectory": "components"})
    install(
        "aurora-lambda-runtime", {"url": "https://example.com/a.git", "vcs_info": {"vcs": "git", "commit_id": "0f"}}
    )
    install("aurora-lambda-local", {"url": "https://example.com/local.whl", "archive_info": {}})
    assert tomllib.loads(find_sources(tmp_path / "links").toml)["tool"]["uv"]["sources"] == {
        "aurora-lambda": {"git": "https://example.com/a.git", "rev": "v9.8.7", "subdirectory": "components"},
        "aurora-lambda-runtime": {"git": "https://example.com/a.git", "rev": "0f"},
        "aurora-lambda-local": {"url": "https://example.com/local.whl"},
    }


def test_a_wheel_that_is_gone_is_named(install: Callable[..., None], tmp_path: Path) -> None:
    """The service would be written and then not install, with words about an index."""
    gone = tmp_path / "dist" / "aurora_lambda.whl"
    install("aurora-lambda", {"url": gone.as_uri(), "archive_info": {}})
    with pytest.raises(UsageError) as refused:
        find_sources(tmp_path / "links")
    assert (
        str(refused.value) == f"aurora-lambda was installed from {gone}, which is gone: install it from where it stays"
    )
