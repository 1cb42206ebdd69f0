"""Where everything lies that is kept on this machine: below `.local/` in the checkout, and nowhere else."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def code_digest() -> str:
    """Return a digest of the `local` package: a supervisor that runs older code is replaced."""
    package = CHECKOUT / "local"
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class LocalPaths:
    """The folders and files below one `.local/`."""

    root: Path

    @classmethod
    def of(cls, checkout: Path = CHECKOUT) -> "LocalPaths":
        """The paths of a checkout; nothing is created."""
        return cls(checkout.resolve() / ".local")

    @property
    def state(self) -> Path:
        """What the last `up` left: one JSON file."""
        return self.root / "state"

    @property
    def supervisor(self) -> Path:
        """How to reach the supervisor: one JSON file, there while it runs."""
        return self.root / "supervisor.json"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor itself had to say."""
        return self.root / "supervisor.log"

    @property
    def lock(self) -> Path:
        """Held by the `up` or `down` that is under way."""
        return self.root / "lock"

    @property
    def images(self) -> Path:
        """The files of each image, by digest."""
        return self.root / "images"

    @property
    def containers(self) -> Path:
        """There once the Docker engine has built something for this checkout."""
        return self.root / "containers"

    @property
    def environments(self) -> Path:
        """Python environments, by digest of their requirements."""
        return self.root / "environments"

    @property
    def all_data(self) -> Path:
        """The databases of every stack."""
        return self.root / "data"

    def data(self, stack: str) -> Path:
        """The databases of one stack."""
        return self.all_data / stack

    @property
    def logs(self) -> Path:
        """What the functions of every stack printed."""
        return self.root / "logs"

    def log(self, stack: str, function_name: str) -> Path:
        """What a function of one stack printed."""
        return self.logs / stack / f"{function_name}.log"

    @property
    def marker(self) -> str:
        """The argument that tells this checkout's supervisor from all others."""
        return f"--local={self.root}"

    def process_marks(self) -> tuple[str, ...]:
        """How arguments start of the processes that belong here."""
        return (self.marker, f"{self.environments}/", f"{self.all_data}/", f"--datadir={self.all_data}/")
