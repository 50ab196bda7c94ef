"""What is dropped on the window or one of its panels."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QDropEvent


def dropped_files(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def dropped_picture(event: QDropEvent) -> Path | None:
    """A picture that may carry the settings of the edit that made it."""
    return next((path for path in dropped_files(event) if path.suffix.lower() == ".png"), None)
