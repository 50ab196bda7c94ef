"""Which reader understands a folder or file, and what it makes of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qnerf_core.errors import CaptureError
from qnerf_core.scene import photos
from qnerf_core.scene.blender import TRAIN_FILE, is_blender, parse_blender
from qnerf_core.scene.capture_settings import CaptureSettings
from qnerf_core.scene.colmap import parse_colmap, sparse_models
from qnerf_core.scene.raw import Kind, RawCapture
from qnerf_core.scene.transforms_parser import FILE_NAME, parse_transforms


def recognise(path: Path) -> Kind:
    """Tell which reader understands a capture.

    Args:
        path: A folder, or a file of a capture.

    Raises:
        CaptureError: None does; says what is understood.
    """
    if path.is_file():
        if path.name.startswith("transforms_"):
            return "blender"
        if path.suffix.lower() == ".json":
            return "nerfstudio"
        if path.stem in ("cameras", "images", "points3D") and path.suffix in (".bin", ".txt"):
            return "colmap"
        raise CaptureError(f"Cannot open {path}", "it is no capture", f"Choose a folder or its {FILE_NAME}.")
    if (path / FILE_NAME).is_file():
        return "nerfstudio"
    if is_blender(path):
        return "blender"
    if sparse_models(path):
        return "colmap"
    if photos.photo_paths(path):
        return "photos"
    raise CaptureError(
        f"Cannot open {path}",
        f"it holds no {FILE_NAME} (nerfstudio), no {TRAIN_FILE} (Blender), no sparse model of COLMAP and no photos",
        "Choose the folder of a capture, of photos, or of a project.",
    )


def parse(path: Path | str, settings: CaptureSettings, cancelled: Callable[[], bool] | None = None) -> RawCapture:
    """Read what names the pictures and cameras of a capture, and collect what is wrong.

    Args:
        path: A folder, or a file of a capture.
        settings: Repairs to apply.
        cancelled: Asked while another program reads.

    Raises:
        CaptureError: No reader understands it, or what it needs is not installed.
        FileFormatError: A file is not what its name says.
        Cancelled: It was.
    """
    path = Path(os.path.abspath(path))
    kind = recognise(path)
    folder = path if path.is_dir() else path.parent
    if kind == "nerfstudio":
        return parse_transforms(path, settings)
    if kind == "blender":
        return parse_blender(folder, settings)
    if kind == "colmap":
        return parse_colmap(folder, settings, cancelled=cancelled)
    return photos.parse_photos(folder, settings, cancelled)
