"""The application: the package of tables, commands, routes, stream functions and revisions of one service.

The handler and the migration runner get it by its name, which the environment says; on a developer's machine it is
imported from the folder it lies in.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from aurora_lambda_runtime.database.contract import APPLICATION, DEFAULT_APPLICATION

if TYPE_CHECKING:
    from sqlalchemy import MetaData


@dataclass(frozen=True)
class ApplicationPackage:
    """An application's package; `versions` is the folder of its revisions."""

    name: str
    versions: Path

    @classmethod
    def named(cls, name: str) -> "ApplicationPackage":
        """Return the package that is imported by `name`.

        Raises:
            ModuleNotFoundError: there is none.
        """
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"there is no package {name!r}, which {APPLICATION} names as the application")
        return cls(name, Path(spec.submodule_search_locations[0]) / "versions")

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "ApplicationPackage":
        """Return the package that the function's environment names."""
        return cls.named(environment.get(APPLICATION, DEFAULT_APPLICATION))

    @classmethod
    def in_folder(cls, folder: Path) -> "ApplicationPackage":
        """Return the package that lies in `folder`, which is then imported by the folder's name."""
        spec = spec_from_file_location(folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)])
        assert spec
        assert spec.loader
        sys.modules[folder.name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[folder.name])
        return cls(folder.name, folder / "versions")

    def has(self, name: str) -> bool:
        """Return whether the package has a module of that name."""
        return find_spec(f"{self.name}.{name}") is not None

    def module(self, name: str) -> ModuleType:
        """Import one of the package's modules."""
        return import_module(f"{self.name}.{name}")

    def metadata(self) -> "MetaData":
        """Import the tables, which the database is migrated to."""
        return self.module("tables").metadata
