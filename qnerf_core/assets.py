"""Where the bundled scenes, poses, body and model are."""

from __future__ import annotations

import os
from pathlib import Path

from qnerf_core.errors import AssetError


def assets_root() -> Path:
    """Return the folder of the bundled data.

    It is `assets/` of the project's clone, or what the environment variable `QNERF_ASSETS` names. It need not exist.
    """
    override = os.environ.get("QNERF_ASSETS")
    if override:
        return Path(override)
    return Path(__file__).resolve().parent.parent / "assets"


def builtin_scenes() -> list[str]:
    """Return the names of the built-in captures, sorted."""
    return sorted(file.parent.name for file in (assets_root() / "scenes").glob("*/capture.json"))


def scene_folder(name: str) -> Path:
    """Return the folder of a built-in capture.

    Args:
        name: One of `builtin_scenes()`.

    Raises:
        AssetError: There is no such capture.
    """
    if name not in builtin_scenes():
        known = ", ".join(builtin_scenes()) or "none"
        raise AssetError(
            f"There is no built-in scene named {name!r}",
            f"built in are: {known}",
            "Choose one of them, or give the folder of a capture.",
        )
    return assets_root() / "scenes" / name


def model_folder(name: str = "builtin") -> Path:
    """Return the folder of a bundled diffusion model.

    Args:
        name: Folder name under `assets/models`.

    Raises:
        AssetError: The folder holds no model.
    """
    folder = assets_root() / "models" / name
    if not (folder / "model_index.json").is_file():
        raise AssetError(
            f"The bundled model {name!r} is missing",
            f"there is no model_index.json in {folder}",
            "Get the complete project, or give another model folder with --backbone.",
        )
    return folder


def body_file() -> Path:
    """Return the built-in body (a file in SMPL's schema).

    Raises:
        AssetError: The file is missing.
    """
    return _existing(assets_root() / "body" / "builtin_body.npz", "The built-in body is missing")


def poses_folder() -> Path:
    """Return the folder of the named poses.

    Raises:
        AssetError: The folder is missing.
    """
    return _existing(assets_root() / "poses", "The pose library is missing")


def _existing(path: Path, title: str) -> Path:
    if not path.exists():
        raise AssetError(title, f"there is no {path}", "Get the complete project, or set QNERF_ASSETS.")
    return path
