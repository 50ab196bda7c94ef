from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.background import Background


class WorkRow(QWidget):
    """A bar and Cancel, there while something is worked on."""

    def __init__(self, work: Background, name: str, tip: str) -> None:
        super().__init__()
        self._work = work
        self.bar = QProgressBar()
        self.bar.setObjectName(f"{name}Progress")
        self.bar.setRange(0, 100)
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName(f"{name}Cancel")
        self.cancel.setToolTip(tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        self.cancel.clicked.connect(work.cancel)
        work.changed.connect(self._show_work)
        self._show_work()

    def _show_work(self) -> None:
        self.setVisible(self._work.is_working)
        self.cancel.setEnabled(not self._work.is_stopping)
        if self._work.is_working:
            self.bar.setFormat(self._work.words if self._work.is_stopping else f"{self._work.words}  %p %")
            self.bar.setValue(round(100 * self._work.share))
