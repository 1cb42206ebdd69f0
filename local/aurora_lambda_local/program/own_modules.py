"""The modules of a program itself, and whether what they register depends on nothing that changes unseen."""

import ast
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from aurora_lambda.project import Project

PACKAGES = ("aurora_lambda", "aurora_lambda_runtime", "aurora_lambda_local")
# What gives the same whenever it is asked; what Pulumi looks up is answered here.
STEADY_MODULES = {
    "__future__", "aurora_lambda", "collections", "dataclasses", "enum", "functools", "itertools", "json", "math",
    "operator", "re", "string", "textwrap", "typing",
}  # fmt: skip
# What reads files or other stacks, wherever it comes from, and the outputs that an edit of code alone changes.
READING_NAMES = {
    "Project", "StackReference", "__import__", "automation", "context_files", "eval", "exec", "open", "qualified_arn",
    "source_digest", "version", "write_context",
}  # fmt: skip


def package_folders() -> list[Path]:
    """Return the folders of this project's packages, wherever they are installed."""
    return [Path(str(spec.origin)).parent for name in PACKAGES if (spec := find_spec(name))]


def own_modules(project: Project) -> list[Path]:
    """Return the files that this process has run for the program, besides Python, packages and what is installed."""
    installed = [*map(Path, sysconfig.get_paths().values()), Path(sys.prefix), *package_folders()]
    files = {Path(file).resolve() for each in list(sys.modules.values()) if (file := getattr(each, "__file__", None))}
    own = {file for file in files if not any(file.is_relative_to(folder.resolve()) for folder in installed)}
    return sorted({*own, (project.program / "__main__.py").resolve()})


def are_steady(project: Project, modules: Sequence[Path]) -> bool:
    """Return whether these modules belong to the program alone, and read nothing but its configuration.

    A program that reads the clock, the environment, files or the application registers other resources when those
    change, and nobody knows when.
    """
    program, application = project.program.resolve(), project.application.resolve()
    if any(not file.is_relative_to(program) or file.is_relative_to(application) for file in modules):
        return False
    siblings = {name for file in modules for name in (file.stem, file.parent.name)}
    return all(_is_steady(ast.parse(file.read_bytes()), siblings) for file in modules)


def _is_steady(module: ast.Module, siblings: set[str]) -> bool:
    imported = {*_imported_modules(module)} - STEADY_MODULES - siblings
    return all(name.startswith("pulumi") for name in imported) and READING_NAMES.isdisjoint(_names(module))


def _imported_modules(module: ast.Module) -> Iterator[str]:
    """Yield the name of each package from which something is imported."""
    for each in ast.walk(module):
        if isinstance(each, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in each.names)
        elif isinstance(each, ast.ImportFrom) and not each.level:
            yield str(each.module).partition(".")[0]


def _names(module: ast.Module) -> Iterator[str]:
    """Yield each name that is used, taken as an attribute or imported."""
    for each in ast.walk(module):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Import | ast.ImportFrom):
            yield from (alias.name.rpartition(".")[2] for alias in each.names)
