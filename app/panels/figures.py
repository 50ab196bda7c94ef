from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from qnerf_core import files
from qnerf_core.errors import FileFormatError

EVALUATION_FILE = "evaluation.json"
# Key, name, unit, explanation's key.
_ROWS = (
    ("psnr_truth", "PSNR to the truth", "dB"),
    ("ssim_truth", "SSIM to the truth", ""),
    ("perceptual_truth", "Perceptual distance", ""),
    ("silhouette_iou", "Silhouette IoU", ""),
    ("view_agreement_psnr", "Agreement of views", "dB"),
    ("heldout_nerf_psnr", "NeRF on kept-out views", "dB"),
    ("kid", "KID to the originals", ""),
    ("fid", "FID to the originals", ""),
)


def read_figures(run: Path) -> Mapping[str, Any] | None:
    """The figures of a measured run, None if it was not measured or they are damaged."""
    try:
        content = files.read_json(run / EVALUATION_FILE)
    except FileFormatError:
        return None
    return content if isinstance(content, dict) and isinstance(content.get("source"), dict) else None


class FigureTable(QWidget):
    """Figures of the edited pictures beside those of the untouched ones."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("figureTable")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self.rows: dict[str, tuple[str, str]] = {}

    def show_figures(self, figures: Mapping[str, Any]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self.rows = {}
        for column, text in ((1, "Edited"), (2, "Original")):
            self._put(0, column, text, "section")
        explanations = figures.get("explanations", {})
        for key, name, unit in _ROWS:
            edited, source = figures.get(key), figures["source"].get(key)
            if edited is None and source is None:
                continue
            line = len(self.rows) + 1
            self._put(line, 0, name, "dim").setToolTip(str(explanations.get(key, explanations.get(key[:4], ""))))
            texts = _figure(edited, unit), _figure(source, unit)
            self.rows[key] = texts
            for column, text in enumerate(texts, 1):
                self._put(line, column, text, "value" if column == 1 else "dim")

    def _put(self, row: int, column: int, text: str, role: str) -> QLabel:
        label = QLabel(text)
        label.setProperty("role", role)
        side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
        self._grid.addWidget(label, row, column, side)
        return label


def _figure(value: Any, unit: str) -> str:
    if not isinstance(value, (int, float)):
        return "-"
    text = f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"
    return f"{text} {unit}".strip()
