"""The build of an image, as a `docker.Image` describes it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aurora_lambda_local.platform.errors import LocalError


@dataclass(frozen=True)
class ImageBuild:
    """What to build: one target of a Dockerfile, from the files below `context`."""

    context: Path
    dockerfile: Path
    target: str
    platform: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any], directory: Path) -> "ImageBuild":
        """Return the build that a `docker.Image`'s `build` describes; its paths are relative to `directory`."""
        return cls(
            context=(directory / str(inputs["context"])).resolve(),
            dockerfile=directory / str(inputs["dockerfile"]),
            target=str(inputs.get("target", "")),
            platform=str(inputs.get("platform", "")),
            arguments={str(key): str(value) for key, value in inputs.get("args", {}).items()},
        )

    def handler(self) -> str:
        """Return the function that the target's `CMD` names.

        Raises:
            LocalError: the Dockerfile has no such target, or the target no `CMD` in JSON form.
            OSError: the Dockerfile cannot be read.
        """
        for stage in re.split(r"(?im)^\s*FROM\s+", self.dockerfile.read_text()):
            if re.match(rf"(?i)\S+.*\sAS\s+{re.escape(self.target)}\s*$", stage.partition("\n")[0]):
                if commands := re.findall(r"(?im)^\s*CMD\s+(\[.*\])\s*$", stage):
                    return str(json.loads(commands[-1])[-1])
                raise LocalError(f'target {self.target!r} in {self.dockerfile.name} has no CMD ["module.function"]')
        raise LocalError(f"{self.dockerfile.name} has no target {self.target!r}")
