from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QSlider, QTabBar, QToolButton, QWidget

from app.gallery.compare import NAMES, STYLES, Against, Comparison
from app.gallery.run_state import RunState
from app.shell.icons import set_icon
from app.shell.themes import themes

PAGES = ("Views", "Sheet", "Enlarged", "Look inside", "Plots")
_TIPS = (
    "Every view at the chosen interval",
    "Every view at every interval",
    "One view, large; wheel zooms, drag pans",
    "What the QNeRF was fitted to and what it gives back",
    "Curves of the whole run",
)
_COLOURS = {"finished": "success", "running": "accent", "failed": "danger"}


class Dot(QWidget):
    """A run's status as a colour."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(8, 20)
        self._status = ""

    def show_status(self, status: str) -> None:
        self._status = status
        self.setToolTip(status.capitalize())
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._status:
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(getattr(themes().theme, _COLOURS.get(self._status, "warning"))))
                painter.drawEllipse(QPointF(4, self.height() / 2 + 0.5), 3.5, 3.5)


class Header(QWidget):
    """Which run is shown, the pages, the comparison, the size of the pictures."""

    pageChosen = Signal(int)
    runChosen = Signal(object)
    scaleChanged = Signal(float)

    def __init__(self, comparison: Comparison, runs: Callable[[], Iterable[tuple[str, Path]]]) -> None:
        super().__init__()
        self._comparison = comparison
        self._runs = runs
        self.dot = Dot()
        self.title = QLabel()
        self.title.setObjectName("galleryTitle")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.tabs = QTabBar()
        self.tabs.setObjectName("galleryPages")
        self.tabs.setExpanding(False)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for name, tip in zip(PAGES, _TIPS, strict=True):
            self.tabs.setTabToolTip(self.tabs.addTab(name), tip)
        self.compare = QToolButton()
        self.compare.setObjectName("compareButton")
        self.compare.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.compare.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.compare.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.compare.setToolTip("Wipe the pictures against others. Hold Space to see the other one (W switches).")
        set_icon(self.compare, "wipe")
        self.compare.setMenu(self._menu())
        self.scale = QSlider(Qt.Orientation.Horizontal)
        self.scale.setObjectName("tileSize")
        self.scale.setRange(100, 400)
        self.scale.setFixedWidth(80)
        self.scale.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.scale.setToolTip("Size of the pictures; at the left they just fit")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(6)
        layout.addWidget(self.dot)
        layout.addWidget(self.title, 1)
        layout.addWidget(self.tabs)
        layout.addStretch(1)
        layout.addWidget(self.compare)
        layout.addWidget(self.scale)
        self.tabs.currentChanged.connect(self.pageChosen)
        self.scale.valueChanged.connect(lambda value: self.scaleChanged.emit(value / 100))
        comparison.changed.connect(self._name_comparison)
        self._name_comparison()
        self.show_state(None)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        self._against: dict[Against, QAction] = {}
        for against, name in NAMES.items():
            if against == "run":
                continue
            action = menu.addAction(name)
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, value=against: self._comparison.set_against(value))
            self._against[against] = action
        self._others = menu.addMenu(NAMES["run"])
        self._others.aboutToShow.connect(self._list_runs)
        menu.addSeparator()
        styles = QActionGroup(menu)
        self._styles: dict[str, QAction] = {}
        for style, name in STYLES.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            styles.addAction(action)
            action.triggered.connect(lambda _=False, value=style: self._comparison.set_style(value))
            self._styles[style] = action
        return menu

    def _list_runs(self) -> None:
        self._others.clear()
        for title, path in self._runs():
            action = self._others.addAction(title)
            action.setCheckable(True)
            other = self._comparison.other
            action.setChecked(self._comparison.against == "run" and other is not None and other.path == path)
            action.triggered.connect(lambda _=False, value=path: self.runChosen.emit(value))
        if self._others.isEmpty():
            self._others.addAction("There is no other run").setEnabled(False)

    def _name_comparison(self) -> None:
        comparison = self._comparison
        other = comparison.other
        name = NAMES[comparison.against]
        name = f"{name[0].lower()}{name[1:]}"
        if comparison.against == "run" and other is not None:
            name = other.title
        self.compare.setText("Compare" if comparison.against == "off" else f"Against {name}")
        for against, action in self._against.items():
            action.setChecked(against == comparison.against)
        for style, action in self._styles.items():
            action.setChecked(style == comparison.style)
            action.setEnabled(comparison.active)

    def show_state(self, state: RunState | None) -> None:
        truth = self._against["truth"]
        truth.setEnabled(state is None or bool(state.truth))
        truth.setToolTip("" if truth.isEnabled() else "This capture does not know the truth of this edit")
        words, tip = [state.title if state else ""], [str(state.path) if state else ""]
        if state and state.status == "running":
            # What it does just now is in the status bar; here it would be cut off.
            words.append(f"{state.fraction:.0%}")
            tip.append(state.activity)
        elif state and state.status != "finished":
            # What went well needs no words: the dot is green.
            words.append(state.status)
        self.title.setText("   ".join(word for word in words if word))
        self.title.setToolTip("\n".join(tip))
        self.dot.show_status(state.status if state else "")
