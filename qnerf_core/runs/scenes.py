"""The scene that a run edits."""

from __future__ import annotations

from pathlib import Path

from qnerf_core import assets
from qnerf_core.scene.capture import CAPTURE_FILE, Capture, load_capture
from qnerf_core.scene.nerfstudio import FILE_NAME, read_transforms
from qnerf_core.scene.scene import Scene


def load_run_scene(name_or_folder: str) -> tuple[Scene, Capture | None]:
    """Load what a spec's ``scene`` names.

    Args:
        name_or_folder: Name of a built-in capture, a folder, or a ``transforms.json``.

    Returns:
        The scene, and the capture around it if it is one that brings edits.

    Raises:
        StudioError: It cannot be read.
    """
    path = Path(name_or_folder)
    if not path.exists():
        path = assets.scene_folder(name_or_folder)
    if (path / CAPTURE_FILE).is_file():
        capture = load_capture(path)
        return capture.scene, capture
    return read_transforms(path / FILE_NAME if path.is_dir() else path), None
