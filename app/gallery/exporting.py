from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.shell.tasks import beside


def choose_folder(parent: QWidget, run: Path, interval: int) -> Path | None:
    chosen = QFileDialog.getExistingDirectory(parent, "Folder for the pictures and cameras", str(run))
    if not chosen:
        return None
    folder = Path(chosen)
    return folder / f"{run.name}-interval-{interval + 1}" if any(folder.iterdir()) else folder


def export_interval(parent: QWidget, run: Path, interval: int, folder: Path, then: Callable[[Path], object]) -> None:
    """Write an interval's pictures with their cameras, beside the window."""

    def work() -> Path:
        from qnerf_core.export.image_set import export_image_set

        export_image_set(run, folder, interval=interval)
        return folder

    beside(parent, work, then)
