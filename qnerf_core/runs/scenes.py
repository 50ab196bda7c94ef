"""The scene that a run edits."""

from __future__ import annotations

from qnerf_core.scene.capture import CAPTURE_FILE, Capture, capture_path, load_capture
from qnerf_core.scene.nerfstudio import FILE_NAME, read_transforms
from qnerf_core.scene.scene import Scene


def load_run_scene(name_or_folder: str) -> tuple[Scene, Capture | None]:
    """Load what a spec's ``scene`` names.

    Args:
        name_or_folder: See `qnerf_core.scene.capture.capture_path`.

    Returns:
        The scene, and the capture around it if it is one that brings edits.

    Raises:
        StudioError: It cannot be read.
    """
    path = capture_path(name_or_folder)
    if (path / CAPTURE_FILE).is_file():
        capture = load_capture(path)
        return capture.scene, capture
    return read_transforms(path / FILE_NAME if path.is_dir() else path), None
