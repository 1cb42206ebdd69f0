"""An image whose functions wait for a debugger before they begin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from aurora_lambda_local.runtimes.virtualenv import HostProcess, VirtualenvImage

# Where debugpy and editors meet, if nobody says otherwise.
DEBUG_HOST, DEBUG_PORT = "127.0.0.1", 5678
# Pulumi brings it along. It is run by its path, as the function's own packages have no debugger.
DEBUGGER = str(Path(str(cast(ModuleSpec, find_spec("debugpy")).origin)).parent)


@dataclass(frozen=True)
class DebuggedImage:
    """An image run by debugpy on the application below the folder `sources`."""

    image: VirtualenvImage
    sources: Path

    @property
    def digest(self) -> str:
        """The digest of what it holds."""
        return self.image.digest

    @property
    def directory(self) -> Path:
        """The folder of the code, as the function sees it."""
        return self.image.directory

    def start(self, handler: str, variables: Mapping[str, str], memory_mb: int, output: int) -> HostProcess:
        """Start a process that runs `handler` once a debugger has come."""
        del memory_mb
        options = ["--listen", f"{DEBUG_HOST}:{DEBUG_PORT}", "--wait-for-client"]
        # The sources, not the copy that `up` has made: the editor knows the files.
        own = {**variables, "PYTHONPATH": str(self.image.directory)}
        return self.image.start_with(["-Xfrozen_modules=off", DEBUGGER, *options], handler, own, output, self.sources)

    def run_python(self, arguments: Sequence[str], variables: Mapping[str, str]) -> str:
        """Run the interpreter, and return what it printed."""
        return self.image.run_python(arguments, variables)
