"""What a result depends on beside its spec: versions of the program and its libraries, and the model's bytes."""

from __future__ import annotations

import hashlib
import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import qnerf_core
from qnerf_core import assets, files
from qnerf_core.diffusion.settings import ModelSettings
from qnerf_core.models.layout import find_model

_LIBRARIES = ("torch", "diffusers", "transformers", "nerfacc", "numpy", "safetensors")


def versions() -> dict[str, str]:
    """Versions of the program, Python and the libraries that a result depends on."""
    found = {"qnerf-studio": qnerf_core.__version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def backbone_place(backbone: str) -> Path | str:
    """Where the model of a spec is: what `qnerf_core.models.layout.find_model` understands.

    Raises:
        AssetError: the built-in model is missing.
    """
    return assets.model_folder() if backbone == "builtin" else backbone


def model_hash(backbone: str, settings: ModelSettings) -> str:
    """SHA-256 over the names and contents of all files of a model, and of the ControlNet and LoRA used with it.

    Raises:
        AssetError: the built-in model is missing.
        BackboneError: one of them is not on this machine.
    """
    places = [find_model(backbone_place(backbone))]
    places += [find_model(place) for place in (settings.controlnet, settings.lora) if place]
    content = [
        (file, file.relative_to(place.path if place.form == "folder" else place.path.parent), file.stat())
        for place in places
        for file in place.files
        if file.suffix in {".safetensors", ".json"}
    ]
    return _hash_of(tuple((file, name, about.st_mtime_ns, about.st_size) for file, name, about in content))


@lru_cache(maxsize=4)
def _hash_of(content: tuple[tuple[Path, Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for file, name, _, _ in content:
        digest.update(f"{name.as_posix()} {files.sha256_of(file)}\n".encode())
    return digest.hexdigest()
