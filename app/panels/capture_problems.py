from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from qnerf_core.scene.problems import CaptureReport, Problem

_SIGNS = {"error": "Error", "warning": "Warning"}


class ProblemList(QScrollArea):
    """Every problem of a capture, with a button for what can be repaired."""

    repairRequested = Signal(object)  # Repair

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("captureProblems")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows: list[QWidget] = []
        self._page = QWidget()
        self._column = QVBoxLayout(self._page)
        self._column.setContentsMargins(10, 8, 10, 8)
        self._column.setSpacing(6)
        self._column.addStretch(1)
        self.setWidget(self._page)

    def show_report(self, report: CaptureReport) -> None:
        for row in self.rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self.rows = [self._row(problem) for problem in report.problems]
        if not self.rows:
            good = QLabel("No problem was found.")
            good.setProperty("role", "hint")
            self.rows = [good]
        for index, row in enumerate(self.rows):
            self._column.insertWidget(index, row)

    def _row(self, problem: Problem) -> QWidget:
        row = QFrame()
        row.setObjectName("captureProblem")
        sign = QLabel(_SIGNS[problem.severity])
        sign.setProperty("role", "section" if problem.severity == "error" else "dim")
        sign.setFixedWidth(62)
        text = QLabel(f"{problem.where}: {problem.what}. {problem.next_step}")
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(text, 1)
        if problem.repair is not None:
            button = QPushButton(problem.repair.label)
            button.setObjectName("captureRepair")
            button.setToolTip("Your files stay as they are")
            button.clicked.connect(partial(self.repairRequested.emit, problem.repair))
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return row
