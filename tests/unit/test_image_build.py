"""Importing from a bundle, and what the images' build makes of installed packages."""

import subprocess
import sys
import textwrap
from pathlib import Path

from aurora_lambda_runtime.build.bundle import Module, write
from aurora_lambda_runtime.build.tree import TIMESTAMP, compile_all, normalise, prune
from aurora_lambda_runtime.bundle import NAME

START = "from aurora_lambda_runtime import bundle; bundle.use({folder!r})\n"


def modules_of(root: Path, **sources: str) -> list[Module]:
    """Write the modules of a package `shop` below `root`."""
    folder = root / "shop"
    folder.mkdir(parents=True)
    modules = []
    for name, source in {"__init__": "", **sources}.items():
        file = folder / f"{name}.py"
        file.write_text(textwrap.dedent(source))
        is_package = name == "__init__"
        modules.append(Module("shop" if is_package else f"shop.{name}", file, is_package))
    return modules


def bundle_of(tmp_path: Path, **sources: str) -> Path:
    """Return a folder with a bundle of the package `shop`, whose files are out of reach of a path search."""
    write(tmp_path / NAME, modules_of(tmp_path / "elsewhere", **sources))
    return tmp_path


def run_with(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in an interpreter that imports from the bundle in `folder`."""
    line = [sys.executable, "-c", START.format(folder=str(folder)) + code]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=folder)


def printed(folder: Path, code: str) -> list[str]:
    """Return the lines that `code` prints."""
    done = run_with(folder, code)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_module_comes_out_of_the_bundle_and_knows_its_own_file(tmp_path: Path) -> None:
    """Code that looks beside itself for a certificate would not find it."""
    folder = bundle_of(tmp_path, tea="KIND = 'green'\n")

    lines = printed(
        folder, "from shop import tea; import shop; print(tea.KIND, tea.__file__, *shop.__path__, sep='\\n')"
    )

    shop = tmp_path / "elsewhere" / "shop"
    assert lines == ["green", str(shop / "tea.py"), str(shop)]


def test_an_error_shows_the_line_of_the_source(tmp_path: Path) -> None:
    """A stack trace without lines sends people to guess."""
    folder = bundle_of(tmp_path, tea="\n\ndef pour():\n    raise ValueError('cold')\n")

    done = run_with(folder, "from shop import tea; tea.pour()")

    lines = [line.strip() for line in done.stderr.splitlines()]
    assert f'File "{tmp_path / "elsewhere" / "shop" / "tea.py"}", line 4, in pour' in lines
    assert "raise ValueError('cold')" in lines


def test_a_module_that_the_bundle_does_not_hold_is_imported_from_its_file(tmp_path: Path) -> None:
    """A package that somebody adds to the requirements has to work without a word to the build."""
    assert printed(bundle_of(tmp_path), "import fractions; print(fractions.Fraction(1, 2))") == ["1/2"]


def test_another_interpreters_bundle_is_left_alone(tmp_path: Path) -> None:
    """Code compiled for one Python ends the process of another: a newer base image would bring one."""
    folder = bundle_of(tmp_path, tea="KIND = 'green'\n")
    (folder / NAME).rename(folder / "dependencies.cpython-310.bundle")

    assert printed(folder, "import importlib.util; print(importlib.util.find_spec('shop'))") == ["None"]


def test_two_bundles_of_the_same_modules_are_equal(tmp_path: Path) -> None:
    """Or two builds of one commit would make two images."""
    modules = modules_of(tmp_path, one="A = {'x', 'y'}\n", two="B = frozenset('abc')\n")
    for name in ("first", "second"):
        write(tmp_path / name, modules)

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_tree_is_pruned_compiled_and_made_uniform(tmp_path: Path) -> None:
    """Modes and times that depend on who built it would make every build another image."""
    for name in (
        "tea/__init__.py",
        "tea/py.typed",
        "tea/tests/test_tea.py",
        "tea/leaf.pyi",
        "bin/tea",
        "bin/dsql-lint",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch(mode=0o600)
    for name in ("METADATA", "RECORD", "licenses/LICENSE", "entry_points.txt"):
        (tmp_path / "tea-1.dist-info" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tea-1.dist-info" / name).touch()

    prune(tmp_path)
    compile_all(tmp_path)
    normalise(tmp_path)

    cache = f"tea/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
    files = {str(path.relative_to(tmp_path)): path.stat() for path in tmp_path.rglob("*") if path.is_file()}
    told = {"tea-1.dist-info/METADATA", "tea-1.dist-info/licenses/LICENSE"}
    assert set(files) == {"tea/__init__.py", cache, "bin/dsql-lint", *told}
    assert {stat.st_mtime for stat in files.values()} == {TIMESTAMP}
    assert files.pop("bin/dsql-lint").st_mode & 0o7777 == 0o555
    assert {stat.st_mode & 0o7777 for stat in files.values()} == {0o444}
