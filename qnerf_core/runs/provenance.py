"""What a result depends on beside its spec: versions of the program and its libraries, and the model's bytes."""

from __future__ import annotations

import hashlib
import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import qnerf_core
from qnerf_core import assets, files

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


def backbone_folder(backbone: str) -> Path | None:
    """The folder of a spec's backbone, None for a hub id.

    Raises:
        AssetError: the built-in model is missing.
    """
    if backbone == "builtin":
        return assets.model_folder()
    folder = Path(backbone)
    return folder if folder.is_dir() else None


def model_hash(backbone: str) -> str | None:
    """SHA-256 over the names and contents of every file of a backbone's folder; None for a hub id.

    Raises:
        AssetError: the built-in model is missing.
    """
    folder = backbone_folder(backbone)
    if folder is None:
        return None
    content = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix in {".safetensors", ".json", ".bin"}
    )
    return _hash_of(folder, tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in content))


@lru_cache(maxsize=4)
def _hash_of(folder: Path, content: tuple[tuple[Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in content:
        digest.update(f"{path.relative_to(folder).as_posix()} {files.sha256_of(path)}\n".encode())
    return digest.hexdigest()
