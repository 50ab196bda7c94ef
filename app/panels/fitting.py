from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.body_fitter import BodyFitter
from app.document.document import Document
from app.document.keypointed import CLICK_ORDER, words
from app.shell.icons import set_icon
from app.shell.work_row import WorkRow
from qnerf_core.body.detectors import detector_names
from qnerf_core.body.keypoints import Sighting, read_keypoints, write_keypoints
from qnerf_core.body.triangulation import NOISE, OUTLIER

_REFRESH_MS = 40
_DOUBTFUL = 2.0
_COLOURS = {"well": "#5fa83a", "doubtful": "#d9a400", "wrong": "#e0525f"}
_NAME = Qt.ItemDataRole.UserRole
_JSON = "Keypoints (*.json)"


class FitSection(QWidget):
    """Fit to the photos: joints are clicked, a body follows."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fitSection")
        self.setProperty("helpPage", "fitting")
        self._document = document
        self.fitter = BodyFitter(document, self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.show_values)
        self._lay_out()
        for signal in (
            document.keypointsChanged,
            document.clickingChanged,
            document.sourcePoseChanged,
            document.currentViewChanged,
            document.projectChanged,
        ):
            signal.connect(self._refresh_soon)
        self.fitter.changed.connect(self._show_work)
        self._show_work()

    def _lay_out(self) -> None:
        self.click = _button("fitClick", "Click joints", "Click the joints of the subject in the photos (Ctrl+J)")
        self.click.setCheckable(True)
        self.click.clicked.connect(lambda checked: self.toggle_clicking() if checked != self._clicking else None)
        self.search = _button("fitFind", "Find", "Let an installed detector find the joints; clicks stay as they are")
        self.search.clicked.connect(self.find_joints)
        self.more = QToolButton()
        self.more.setObjectName("fitLoad")
        self.more.setToolTip("Load keypoints from a file ...")
        set_icon(self.more, "folder-open")
        self.more.clicked.connect(self.choose_file)
        self.keep = QToolButton()
        self.keep.setObjectName("fitSave")
        self.keep.setToolTip("Save the keypoints to a file ...")
        set_icon(self.keep, "save")
        self.keep.clicked.connect(self.choose_target)
        first = QHBoxLayout()
        first.setSpacing(4)
        for widget, stretch in ((self.click, 2), (self.search, 1), (self.more, 0), (self.keep, 0)):
            first.addWidget(widget, stretch)
        self.list = QTreeWidget()
        self.list.setObjectName("fitJoints")
        self.list.setToolTip("Every joint, in how many photos it was clicked, and how far the body is off there")
        self.list.setHeaderLabels(["Joint", "Photos", "Off"])
        self.list.setRootIsDecorated(True)
        self.list.setMinimumHeight(230)
        self.list.setColumnWidth(0, 150)
        self.list.setColumnWidth(1, 60)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.list.itemClicked.connect(self._choose)
        self._rows = {name: QTreeWidgetItem(self.list, [words(name).capitalize(), "", ""]) for name in CLICK_ORDER}
        for name, row in self._rows.items():
            row.setData(0, _NAME, (name, None))
        self.own = QCheckBox("Not built like a person")
        self.own.setObjectName("fitOwnProportions")
        self.own.setToolTip("A toy, a statue, a drawn figure: fit the lengths of its parts, too")
        self.own.toggled.connect(self._set_own)
        self.fit = _button("fitRun", "Fit the body", "Fit pose, shape and place to the clicks; one step of undo")
        self.fit.setProperty("role", "primary")
        self.fit.clicked.connect(self.run)
        self.masks = _button("fitMasks", "Refine by masks", "Go on from the fit, so that the body fills the masks")
        self.masks.clicked.connect(self.refine)
        second = QHBoxLayout()
        second.setSpacing(4)
        second.addWidget(self.fit, 1)
        second.addWidget(self.masks, 1)
        self.working = WorkRow(self.fitter, "fit", "Stop; nothing changes")
        self.told = QLabel()
        self.told.setObjectName("fitTold")
        self.told.setProperty("role", "hint")
        self.told.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(first)
        column.addWidget(self.list, 1)
        column.addWidget(self.own)
        column.addLayout(second)
        column.addWidget(self.working)
        column.addWidget(self.told)

    # ---- what the actions call

    def toggle_clicking(self) -> None:
        document = self._document
        document.set_clicking(not document.is_clicking)
        if document.is_clicking and not document.looking_through and document.scene is not None:
            document.set_current_view(document.current_view or document.scene.views[0].name, True)

    def run(self) -> None:
        self.fitter.fit()

    def refine(self) -> None:
        self.fitter.refine()

    def find_joints(self) -> None:
        names = detector_names()
        # Without one, loading says what to install.
        self.fitter.find(names[0] if names else "detector")

    def clear(self) -> None:
        self._document.clear_keypoints()

    def choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load keypoints", "", _JSON)
        if path:
            self.load(Path(path))

    def load(self, path: Path) -> None:
        if self._document.scene is not None:
            self._document.take_keypoints(read_keypoints(path, self._document.scene))

    def choose_target(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save keypoints", "keypoints.json", _JSON)
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        if self._document.scene is not None:
            write_keypoints(path, self._document.keypoints, self._document.scene)

    # ---- showing

    @property
    def _clicking(self) -> bool:
        return self._document.is_clicking

    def _set_own(self, own: bool) -> None:
        self.fitter.own_proportions = own

    def _choose(self, row: QTreeWidgetItem) -> None:
        name, view = row.data(0, _NAME)
        self._document.choose_keypoint(name)
        if view is not None:
            self._document.set_current_view(view, True)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def show_values(self) -> None:
        document = self._document
        if document.project is None or document.scene is None:
            return
        self.click.setChecked(document.is_clicking)
        self.click.setText("Clicking ..." if document.is_clicking else "Click joints")
        known = {view.name for view in document.scene.views}
        wrong = 0
        for name, row in self._rows.items():
            looks = [one for one in document.keypoints.of_keypoint(name) if one.view in known]
            apart = [document.apart(one) for one in looks]
            row.setText(1, str(len(looks)) if looks else "")
            known_off = [value for value in apart if value is not None]
            _show_off(row, max(known_off) if known_off else None)
            wrong += sum(value > OUTLIER for value in known_off)
            _show_looks(row, looks, apart)
        chosen = self.list.currentItem()
        if chosen is None or chosen.data(0, _NAME)[0] != document.current_keypoint:
            self.list.setCurrentItem(self._rows[document.current_keypoint])
        self._show_told(wrong)
        self._show_work()

    def _show_told(self, wrong: int) -> None:
        document, fit = self._document, self._document.fit
        if fit is not None:
            told = f"Fitted: {fit.error:.1f} pixels off in the mean."
            if wrong:
                told += f" {wrong} of the clicks left out, since they do not agree: they are red."
            if fit.mirrored:
                told += " Left and right were exchanged everywhere."
            elif any(one.exchanged for one in fit.residuals):
                views = ", ".join(dict.fromkeys(one.view for one in fit.residuals if one.exchanged))
                told += f" Left and right were exchanged in {views}."
        elif not len(document.keypoints):
            told = "Click shoulders, hips and what else you see in two photos or more, from different sides."
        else:
            twice = len(document.guesses())
            told = f"{twice} joints are seen in two photos that agree; four or more make a fit, all make a good one."
        self.told.setText(told)

    def _show_work(self) -> None:
        working = self.fitter.is_working
        ready = bool(len(self._document.keypoints)) and not working
        self.fit.setEnabled(ready)
        self.masks.setEnabled(ready)
        self.keep.setEnabled(ready)
        self.search.setEnabled(not working)


def _show_looks(row: QTreeWidgetItem, looks: list[Sighting], apart: list[float | None]) -> None:
    """The looks at a joint, each a row below its own."""
    rows = [child for index in range(row.childCount()) if (child := row.child(index)) is not None]
    for child in rows[len(looks) :]:
        row.removeChild(child)
    rows += [QTreeWidgetItem(row) for _ in range(len(looks) - len(rows))]
    for child, one, off in zip(rows[: len(looks)], looks, apart, strict=True):
        child.setText(0, one.view)
        child.setText(1, one.by)
        child.setData(0, _NAME, (one.keypoint, one.view))
        _show_off(child, off)


def _show_off(row: QTreeWidgetItem, apart: float | None) -> None:
    if apart is None:
        row.setText(2, "")
        return
    row.setText(2, f"{100 * NOISE * apart:.1f} %" if apart < 1e3 else "behind")
    row.setToolTip(2, "Of the picture's longer side, between the click and the joint")
    row.setForeground(2, QColor(_COLOURS["wrong" if apart > OUTLIER else "doubtful" if apart > _DOUBTFUL else "well"]))


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    return button
