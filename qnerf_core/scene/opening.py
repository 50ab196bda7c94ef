"""Opening a capture of any kind: as it is where that will do, else its prepared copy."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qnerf_core.scene.capture_settings import read_settings
from qnerf_core.scene.child import Progress
from qnerf_core.scene.nerfstudio import read_transforms
from qnerf_core.scene.preparation import needs_preparation, prepare_capture, read_headers
from qnerf_core.scene.problems import raise_first_error
from qnerf_core.scene.readers import parse
from qnerf_core.scene.scene import Scene
from qnerf_core.scene.transforms_parser import FILE_NAME


def source_of(path: Path | str) -> Path:
    """Return what the settings of a capture are kept under: its folder, or a file that is not the usual one.

    Args:
        path: A folder, or a file of a capture.
    """
    path = Path(os.path.abspath(path))
    return path.parent if path.name == FILE_NAME else path


def open_capture(
    path: Path | str, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> Scene:
    """Read a capture of any kind, with the repairs that were chosen for it.

    Args:
        path: A folder, or a file of a capture.
        progress: Told of every picture, if there is anything to prepare.
        cancelled: Asked before every picture.

    Returns:
        The scene; its root is the capture's folder, or that of its prepared copy.

    Raises:
        CaptureError: It has errors, or no reader understands it.
        FileFormatError: A file is missing or damaged.
        Cancelled: It was cancelled; nothing is kept.
    """
    source = source_of(path)
    settings = read_settings(source)
    raw = parse(path, settings, cancelled)
    raise_first_error(f"Cannot use the capture {path}", raw.problems)
    headers = [] if raw.own else read_headers(raw)
    if not needs_preparation(raw, headers, settings):
        return read_transforms(path)
    return read_transforms(prepare_capture(raw, settings, progress, cancelled))
