"""What an image's layers hold."""

import io
import json
import subprocess
import tarfile
from dataclasses import dataclass

from aurora_lambda_local.runtimes.docker_engine import DockerEngine


@dataclass(frozen=True)
class Entry:
    """One file or directory of a layer."""

    path: str
    mode: int
    owner: int
    time: int
    directory: bool


def added_layers(engine: DockerEngine, image: str, base: str) -> list[list[Entry]]:
    """Return the entries of each layer that `image` adds to `base`, empty layers left out."""
    kept = len(engine.inspect(base)["RootFS"]["Layers"])
    saved = subprocess.run([str(engine.client), "save", image], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        manifest = json.loads(_content(archive, "manifest.json"))[0]
        layers = [_entries(_content(archive, name)) for name in manifest["Layers"][kept:]]
    return [layer for layer in layers if layer]


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _entries(layer: bytes) -> list[Entry]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return [
            Entry(each.name.strip("/"), each.mode & 0o7777, each.uid, int(each.mtime), each.isdir())
            for each in archive.getmembers()
        ]
