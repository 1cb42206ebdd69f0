"""Notes what modules compile for themselves while they are imported, so that an image can hold it compiled."""

import __future__

import _sre  # ty: ignore
import builtins
import sys
from re import _compiler  # ty: ignore - not in typeshed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

# They make functions out of text: named tuples, dataclasses, SQLAlchemy's decorators.
GENERATING = {"collections", "dataclasses", "sqlalchemy.util.langhelpers"}

# What `_sre.compile` takes after the pattern, by pattern and flags.
patterns: "dict[tuple[str | bytes, int], tuple[Any, ...]]" = {}
# Code by source, file name and mode.
sources: "dict[tuple[str, str, str], CodeType]" = {}


def note() -> None:
    """Begin. Called before anything else is imported: what is imported by then has compiled all it will."""
    _note_patterns()
    _note_sources()


def _note_patterns() -> None:
    original = _compiler.compile

    def compile_pattern(pattern: "Any", flags: int = 0) -> "Any":
        _compiler._sre = _Engine((pattern, int(flags)))
        return original(pattern, flags)

    _compiler.compile = compile_pattern


class _Engine:
    """`_sre`, noting what it is given for one pattern."""

    def __init__(self, key: "tuple[str | bytes, int]") -> None:
        self._key = key

    def __getattr__(self, name: str) -> "Any":
        return getattr(_sre, name)

    def compile(self, pattern: "Any", flags: int, code: "list[int]", *groups: "Any") -> "Any":
        program = (int(flags), [int(each) for each in code], *groups)
        patterns[self._key] = program
        return _sre.compile(pattern, *program)


def _note_sources() -> None:
    original, evaluate, execute = builtins.compile, builtins.eval, builtins.exec

    def code(source: "Any", filename: str, mode: str) -> "Any":
        if not isinstance(source, str):
            return source
        caller = sys._getframe(2)
        made = original(
            source, filename, mode, caller.f_code.co_flags & __future__.annotations.compiler_flag, dont_inherit=True
        )
        if caller.f_globals["__name__"] in GENERATING:
            sources[source, filename, mode] = made
        return made

    def compiled(source: "Any", filename: "Any", mode: str, *more: "Any", **options: "Any") -> "Any":
        if more or options or not isinstance(source, str):
            return original(source, filename, mode, *more, **options)
        return code(source, filename, mode)

    vars(builtins).update(
        compile=compiled,
        eval=lambda source, *variables: evaluate(code(source, "<string>", "eval"), *variables),
        exec=lambda source, *variables: execute(code(source, "<string>", "exec"), *variables),
    )
