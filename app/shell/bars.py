from __future__ import annotations

from PySide6.QtWidgets import QProgressBar


def set_value(bar: QProgressBar, value: int) -> None:
    """Shown with the next frame: by itself Qt paints a bar, and all of the window that waits for it, at once."""
    bar.setUpdatesEnabled(False)
    bar.setValue(value)
    bar.setUpdatesEnabled(True)
