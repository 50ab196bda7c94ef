from __future__ import annotations

from pathlib import Path
from threading import Event

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.capture_form import CaptureForm
from app.panels.capture_problems import ProblemList
from app.shell.tasks import beside
from qnerf_core.errors import Cancelled
from qnerf_core.scene.capture import CAPTURE_FILE, ControlKind
from qnerf_core.scene.capture_settings import CaptureSettings, read_settings, write_settings
from qnerf_core.scene.opening import source_of
from qnerf_core.scene.photos import MatchReport, find_cameras
from qnerf_core.scene.problems import CaptureReport, Repair
from qnerf_core.scene.validation import inspect_capture

_FORMATS = {
    "nerfstudio": "A capture in nerfstudio's format",
    "blender": "A capture in the format of Blender's scripts",
    "colmap": "A reconstruction of COLMAP's",
    "photos": "A folder of photos",
}


_CONTROLS: tuple[tuple[ControlKind, str], ...] = (
    ("skeleton", "A body: people, toys and statues with limbs"),
    ("depth", "A proxy: furniture, boots, anything else"),
)


class CaptureDialog(QDialog):
    """What is wrong with a capture, what can be repaired, and where its subject stands."""

    openRequested = Signal(object, object)  # Path, what shapes the subject if the capture leaves the choice
    controlChosen = Signal(str)
    _progressed = Signal(str, int, int)

    def __init__(
        self,
        path: Path,
        report: CaptureReport | None = None,
        parent: QWidget | None = None,
        control: ControlKind = "skeleton",
    ) -> None:
        super().__init__(parent)
        self.setObjectName("captureDialog")
        self.setWindowTitle(f"Capture {path.name}")
        self.setProperty("helpPage", "capture")
        self.resize(760, 640)
        self.path = path
        self.report = report
        self.matched: MatchReport | None = None
        self._source = source_of(path)
        self._stop = Event()
        self.summary = QLabel()
        self.summary.setObjectName("captureSummary")
        self.summary.setWordWrap(True)
        self.problems = ProblemList()
        self.form = CaptureForm()
        self.control = QComboBox()
        self.control.setObjectName("captureControl")
        self.control.setToolTip("The other one can be chosen at any time, in the Pose or the Proxy tab, too")
        for kind, text in _CONTROLS:
            self.control.addItem(text, kind)
        self.control.setCurrentIndex(self.control.findData(control))
        self.control.activated.connect(lambda: self.controlChosen.emit(self.control.currentData()))
        self.bar = QProgressBar()
        self.bar.setObjectName("captureProgress")
        self.finder = _button("captureFind", "Find the cameras")
        self.cancel = _button("captureCancel", "Cancel")
        self.repair_all = _button("captureRepairAll", "Repair all")
        self.forget = _button("captureForget", "Forget repairs")
        self.open_it = _button("captureOpen", "Open")
        close = _button("captureClose", "Close")
        self._lay_out(close)
        self.problems.repairRequested.connect(self.repair)
        self.form.changed.connect(lambda: self._use(self.form.settings))
        self.finder.clicked.connect(self._find)
        self.cancel.clicked.connect(self._stop.set)
        self.repair_all.clicked.connect(self._repair_all)
        self.forget.clicked.connect(lambda: self._use(CaptureSettings()))
        self.open_it.clicked.connect(self._open)
        close.clicked.connect(self.reject)
        self._progressed.connect(self._show_progress)
        if report is None:
            self._look()
        else:
            self._show(report)

    def _lay_out(self, close: QPushButton) -> None:
        self.forget.setToolTip("Back to the capture as its files are")
        working = QHBoxLayout()
        working.addWidget(self.bar, 1)
        working.addWidget(self.cancel)
        buttons = QHBoxLayout()
        for button in (self.finder, self.repair_all, self.forget):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.open_it)
        self.open_it.setDefault(True)
        column = QVBoxLayout(self)
        column.addWidget(self.summary)
        column.addWidget(self.problems, 1)
        column.addWidget(self.form)
        column.addWidget(self._shaped_by())
        column.addLayout(working)
        column.addLayout(buttons)

    def _shaped_by(self) -> QWidget:
        self.shaped_by = QWidget()
        row = QFormLayout(self.shaped_by)
        row.setContentsMargins(0, 0, 0, 0)
        row.addRow("Its subject is shaped by", self.control)
        return self.shaped_by

    @property
    def is_busy(self) -> bool:
        return not self.bar.isHidden()

    def repair(self, repair: Repair) -> None:
        self._use(read_settings(self._source).repaired(repair))

    def _repair_all(self) -> None:
        assert self.report is not None
        settings = read_settings(self._source)
        for problem in self.report.problems:
            if problem.repair is not None and problem.repair.kind != "model":
                settings = settings.repaired(problem.repair)
        self._use(settings)

    def _use(self, settings: CaptureSettings) -> None:
        write_settings(self._source, settings)
        self._look()

    def _look(self) -> None:
        self._begin("Looking at the capture ...", cancellable=False)
        beside(self, lambda: inspect_capture(self.path, self._progressed.emit), self._show, self._end)

    def _find(self) -> None:
        self._stop.clear()
        self._begin("Reading photos ...", cancellable=True)
        beside(self, self._matched_or_none, self._show_matched, self._end)

    def _matched_or_none(self) -> MatchReport | None:
        try:
            return find_cameras(self.path, self._progressed.emit, self._stop.is_set)
        except Cancelled:
            return None

    def _show_matched(self, matched: MatchReport | None) -> None:
        self.matched = matched
        self._look()

    def _show(self, report: CaptureReport) -> None:
        self.report = report
        self._end()
        settings = read_settings(self._source)
        self.problems.show_report(report)
        self.form.show_settings(settings, report.models)
        parts = [_FORMATS.get(report.kind, "No capture that this program understands")]
        if report.views:
            parts.append(f"{report.views} views" + (f", {report.points} sparse points" if report.points else ""))
        if self.matched is not None:
            parts.append(str(self.matched))
        self.summary.setText(". ".join(parts) + ".")
        unknown = report.kind == "photos" and not report.views
        self.finder.setVisible(report.kind == "photos")
        self.finder.setText("Find the cameras" if unknown else "Find the cameras again")
        self.finder.setDefault(unknown)
        self.open_it.setEnabled(report.usable)
        self.repair_all.setEnabled(
            any(problem.repair is not None and problem.repair.kind != "model" for problem in report.problems)
        )
        self.forget.setEnabled(settings != CaptureSettings())
        self.form.setEnabled(report.views > 0)
        self.shaped_by.setVisible(report.views > 0 and not self._brings_control)

    @property
    def _brings_control(self) -> bool:
        return (self._source / CAPTURE_FILE).is_file()

    def _begin(self, text: str, *, cancellable: bool) -> None:
        self._show_progress(text, 0, 0)
        self.bar.show()
        self.cancel.setVisible(cancellable)
        self.problems.setEnabled(False)
        for button in (self.finder, self.repair_all, self.forget, self.open_it, self.form):
            button.setEnabled(False)

    def _end(self) -> None:
        self.bar.hide()
        self.cancel.hide()
        self.problems.setEnabled(True)
        self.finder.setEnabled(True)

    def _show_progress(self, stage: str, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setFormat(f"{stage} {done}/{total}" if total else stage)

    def _open(self) -> None:
        self.accept()
        self.openRequested.emit(self.path, self.control.currentData())

    def done(self, result: int) -> None:
        self._stop.set()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._stop.set()
        super().closeEvent(event)


def _button(name: str, text: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAutoDefault(False)
    return button
