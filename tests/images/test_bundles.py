"""Importing from bundles, and what the images' build makes of other people's modules."""

import ast
import importlib.util
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lambda_images.build.bundle import Dependency, Module, own, write
from lambda_images.build.reduce import reduced
from lambda_images.build.tree import TIMESTAMP, compile_all, normalise, prune, strip_all

NOTHING = {"patterns": {}, "sources": {}}
START = "import sys; sys.path.insert(0, {path!r}); from lambda_images import bundles; bundles.use([{bundle!r}])\n"
CHECKOUT = Path(__file__).parent.parent.parent


def package(root: Path, **modules: str) -> Path:
    """A package `shop` below `root`."""
    folder = root / "shop"
    folder.mkdir(parents=True)
    for name, source in {"__init__": "", **modules}.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source))
    return root


def run_with(bundle: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in an interpreter that imports from `bundle`."""
    line = [sys.executable, "-c", START.format(path=str(CHECKOUT), bundle=str(bundle)) + textwrap.dedent(code)]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=bundle.parent)


def printed(bundle: Path, code: str) -> list[str]:
    """The lines that `code` prints."""
    done = run_with(bundle, code)
    assert done.stderr == ""
    return done.stdout.splitlines()


def bundle_of(tmp_path: Path, **modules: str) -> Path:
    """A bundle of a package `shop`, whose files are out of reach of a path search."""
    bundle = tmp_path / "code.bundle"
    write(bundle, own(package(tmp_path / "elsewhere", **modules), "shop"), NOTHING)
    return bundle


def test_a_module_comes_out_of_the_bundle_and_knows_its_own_file(tmp_path: Path) -> None:
    """Else code that looks beside itself for a certificate would not find it."""
    bundle = bundle_of(tmp_path, tea="KIND = 'green'\n")

    lines = printed(
        bundle, "from shop import tea; import shop; print(tea.KIND, tea.__file__, *shop.__path__, sep='\\n')"
    )

    folder = tmp_path / "elsewhere" / "shop"
    assert lines == ["green", str(folder / "tea.py"), str(folder)]


def test_an_error_shows_the_line_of_the_source(tmp_path: Path) -> None:
    """A stack trace without lines sends people to guess."""
    bundle = bundle_of(tmp_path, tea="\n\ndef pour():\n    raise ValueError('cold')\n")

    done = run_with(bundle, "from shop import tea; tea.pour()")

    lines = [line.strip() for line in done.stderr.splitlines()]
    assert f'File "{tmp_path / "elsewhere" / "shop" / "tea.py"}", line 4, in pour' in lines
    assert "raise ValueError('cold')" in lines


def test_a_module_that_no_bundle_holds_is_imported_from_its_file(tmp_path: Path) -> None:
    """A package that somebody adds to the requirements has to work without a word to the build."""
    bundle = bundle_of(tmp_path)

    assert printed(bundle, "import fractions; print(fractions.Fraction(1, 2))") == ["1/2"]


def test_a_module_larger_than_the_buffer_is_read_whole(tmp_path: Path) -> None:
    """The one buffer for all modules must not cut one off."""
    bundle = bundle_of(tmp_path, large=f"TEXT = {'x' * 600_000!r}\n")

    assert printed(bundle, "from shop import large; print(len(large.TEXT))") == ["600000"]


def test_a_deferred_module_runs_when_it_is_looked_into_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run twice, it would make its classes anew, and an `except` elsewhere would no longer catch its errors."""
    monkeypatch.setattr("lambda_images.build.bundle.DEFERRED", {"shop.late"})
    bundle = bundle_of(tmp_path, late="print('running')\nVALUE = 1\n")

    lines = printed(
        bundle,
        """
        import threading
        from shop import late
        print("imported")
        read = []
        readers = [threading.Thread(target=lambda: read.append(late.VALUE)) for _ in range(8)]
        [each.start() for each in readers]
        [each.join() for each in readers]
        print(read)
        """,
    )

    assert lines == ["imported", "running", str([1] * 8)]


def test_what_is_compiled_ahead_works_as_if_compiled_now(tmp_path: Path) -> None:
    """A regular expression or named tuple that differs would be a bug nobody finds in the source."""
    modules = package(tmp_path / "stage", words=WORDS) / "shop"
    bundle = tmp_path / "code.bundle"
    noted = textwrap.dedent(
        f"""
        import sys
        sys.path[:0] = [{str(CHECKOUT)!r}, {str(modules.parent)!r}]
        from lambda_images.build import ahead
        ahead.note()
        import collections
        from pathlib import Path
        from lambda_images.build import bundle
        from shop import words
        compiled = {{"patterns": dict(ahead.patterns), "sources": dict(ahead.sources)}}
        assert compiled["sources"] and compiled["patterns"]
        found = [bundle.Dependency("collections", Path(collections.__file__), True)]
        found += bundle.own(Path({str(modules.parent)!r}), "shop")
        bundle.write(Path({str(bundle)!r}), found, compiled)
        """
    )
    subprocess.run([sys.executable, "-c", noted], check=True)

    lines = printed(
        bundle,
        """
        from re import _parser
        _parser.parse = None
        import collections
        from shop import words
        print(words.NAME.fullmatch("Ann Lee").groupdict(), words.NAME.flags, words.Cup(1, 2), collections.eval is eval)
        """,
    )

    assert lines == ["{'first': 'Ann', 'last': 'Lee'} 34 Cup(size=1, price=2) False"]


WORDS = """
import re
from collections import namedtuple
NAME = re.compile("(?P<first>[a-z]+) (?P<last>[a-z]+)", re.IGNORECASE)
Cup = namedtuple("Cup", "size price")
"""


def test_two_bundles_of_the_same_modules_are_equal(tmp_path: Path) -> None:
    """Or two builds of one commit would make two images."""
    root = package(tmp_path, one="A = {'x', 'y'}\n", two="B = frozenset('abc')\n")
    for name in ("first", "second"):
        write(tmp_path / name, own(root, "shop"), NOTHING)

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_dependency_loses_what_only_people_and_type_checkers_read() -> None:
    """And nothing else: a lost assertion, dataclass field or dispatch would change what the package does."""
    source = textwrap.dedent(
        '''
        """Docstring."""
        class Tea:
            """Docstring."""
            kind: str = "green"
            size: int
            def pour(self, cups: int = 1) -> None:
                """Docstring."""
                assert cups
        class Empty(Exception):
            """Docstring."""
        @overload
        def brew(tea: str) -> str: ...
        def brew(tea: Tea | str, *more: str, hot: bool = True, **rest: int) -> object:
            return tea
        @show.register
        def show_tea(tea: Tea) -> str:
            return "tea"
        '''
    )

    left = textwrap.dedent(
        """
        class Tea:
            kind: str = "green"
            size: int
            def pour(self, cups=1):
                assert cups
        class Empty(Exception):
            pass
        pass
        def brew(tea, *more, hot=True, **rest):
            return tea
        @show.register
        def show_tea(tea: Tea) -> str:
            return "tea"
        """
    )
    assert ast.unparse(reduced(source.encode(), typed=False)) == ast.unparse(ast.parse(left))


def test_our_own_code_and_the_standard_librarys_types_stay(tmp_path: Path) -> None:
    """What a person wrote in this repository runs as it was written, docstrings and all."""
    file = tmp_path / "tea.py"
    file.write_text('"""Docstring."""\ndef pour(cups: int) -> None:\n    """More."""\n')

    ours, library = {}, {}
    exec(Module("tea", file, is_package=False).code(), ours)  # noqa: S102
    exec(Dependency("tea", file, is_package=False).code(), library)  # noqa: S102

    assert (ours["__doc__"], ours["pour"].__doc__, ours["pour"].__annotations__) == (
        "Docstring.",
        "More.",
        {"cups": int, "return": None},
    )
    assert (library.get("__doc__"), library["pour"].__doc__) == (None, None)
    assert library["pour"].__annotations__ == {"cups": int, "return": None}


def test_a_compiled_library_works_without_its_debug_information(tmp_path: Path) -> None:
    """Half of the handler image's bytes are saved by it; a library cut too short would end the process."""
    spec = importlib.util.find_spec("sqlalchemy.util._immutabledict_cy")
    assert spec is not None
    assert spec.origin is not None
    library = Path(shutil.copy(spec.origin, tmp_path))
    before = library.stat().st_size

    strip_all(tmp_path)
    first = library.read_bytes()
    strip_all(tmp_path)

    assert library.read_bytes() == first
    assert len(first) < before / 2
    load = f"""
import importlib.util, sqlalchemy.util
spec = importlib.util.spec_from_file_location("sqlalchemy.util._immutabledict_cy", {str(library)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.__file__, module.immutabledict({{"a": 1}}).union({{"b": 2}}))
"""
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=True)
    assert done.stdout.split(" ", 1) == [str(library), "immutabledict({'a': 1, 'b': 2})\n"]


def test_a_tree_is_pruned_compiled_and_made_uniform(tmp_path: Path) -> None:
    """Modes and times that depend on who built it would make every build another image."""
    for name in ("tea/__init__.py", "tea/py.typed", "tea/tests/test_tea.py", "tea/leaf.pyi", "bin/tea"):
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
    assert set(files) == {"tea/__init__.py", cache, "tea-1.dist-info/METADATA", "tea-1.dist-info/licenses/LICENSE"}
    assert {(stat.st_mode & 0o7777, stat.st_mtime) for stat in files.values()} == {(0o444, TIMESTAMP)}
