from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def choose_folder(parent: QWidget, run: Path, interval: int) -> Path | None:
    chosen = QFileDialog.getExistingDirectory(parent, "Folder for the pictures and cameras", str(run))
    if not chosen:
        return None
    folder = Path(chosen)
    return folder / f"{run.name}-interval-{interval + 1}" if any(folder.iterdir()) else folder
