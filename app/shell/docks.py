"""The docks around the viewport: made at once, filled when their panels are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QSizePolicy, QStackedLayout, QTabWidget, QWidget

from app.shell import settings

if TYPE_CHECKING:
    from qnerf_core.scene.capture import ControlKind

STATE_VERSION = 1

_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


@dataclass(frozen=True)
class Place:
    name: str
    title: str
    area: Qt.DockWidgetArea
    size: int
    visible: bool = True


PLACES = (
    Place("views", "Views", _LEFT, 190),
    Place("inspector", "Inspector", _RIGHT, 340),
    Place("gallery", "Gallery", _BOTTOM, 250),
    Place("queue", "Queue", _BOTTOM, 250),
    Place("log", "Log", _BOTTOM, 250, visible=False),
    Place("help", "Help", _RIGHT, 340, visible=False),
)
INSPECTOR_TABS = ("Pose", "Proxy", "Edit", "Result", "Export", "History")
_SHAPERS: dict[ControlKind, str] = {"skeleton": "pose", "depth": "proxy"}


class Slot(QWidget):
    """Holds one panel; says that it is loading until it comes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._layout = QStackedLayout(self)
        waiting = QLabel("Loading ...")
        waiting.setProperty("role", "hint")
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        waiting.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._layout.addWidget(waiting)

    @property
    def panel(self) -> QWidget | None:
        return self._layout.widget(1)

    def fill(self, panel: QWidget) -> None:
        self._layout.addWidget(panel)
        self._layout.setCurrentWidget(panel)


class Docks(QObject):
    """The docks of a window by name, their layout and where it is remembered."""

    changed = Signal()

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._kept: QByteArray | None = None
        self._sized = False
        self._titles = QTimer(self)
        self._titles.setSingleShot(True)
        self._titles.timeout.connect(self._show_titles)
        self.docks: dict[str, QDockWidget] = {}
        self.slots: dict[str, Slot] = {}
        self.inspector = QTabWidget()
        self.inspector.setObjectName("inspectorTabs")
        self.inspector.setDocumentMode(True)
        self.inspector.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        for tab in INSPECTOR_TABS:
            slot = Slot(self.inspector)
            self.slots[tab.lower()] = slot
            self.inspector.addTab(slot, tab)
        self.show_control("skeleton")
        for place in PLACES:
            self._add(place)
        window.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)
        window.setCorner(Qt.Corner.BottomLeftCorner, _BOTTOM)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.reset()

    def _add(self, place: Place) -> None:
        dock = QDockWidget(place.title, self._window)
        dock.setObjectName(f"{place.name}Dock")
        if place.name == "inspector":
            dock.setWidget(self.inspector)
        else:
            self.slots[place.name] = Slot(dock)
            dock.setWidget(self.slots[place.name])
        for signal in (dock.visibilityChanged, dock.topLevelChanged, dock.dockLocationChanged):
            signal.connect(self._on_change)
        self.docks[place.name] = dock

    def fill(self, name: str, panel: QWidget) -> None:
        self.slots[name].fill(panel)

    def show(self, name: str) -> None:
        """Bring a dock, or a tab of the inspector, to the front."""
        if name in self.docks:
            dock = self.docks[name]
        else:
            dock = self.docks["inspector"]
            self.inspector.setCurrentWidget(self.slots[self._shaper if name in _SHAPERS.values() else name])
        dock.show()
        dock.raise_()

    def show_control(self, control: ControlKind) -> None:
        """Of the tabs that shape the subject, the one that fits the capture takes the place of the other."""
        self._shaper = _SHAPERS[control]
        was_open = self.inspector.currentWidget() in [self.slots[name] for name in _SHAPERS.values()]
        for name in _SHAPERS.values():
            self.inspector.setTabVisible(self.inspector.indexOf(self.slots[name]), name == self._shaper)
        if was_open:
            self.inspector.setCurrentWidget(self.slots[self._shaper])

    def hide_all(self) -> None:
        """Leave the window to its centre; `show_all` brings back what was."""
        if self._kept is None:
            self._kept = self._window.saveState(STATE_VERSION)
        for dock in self.docks.values():
            dock.hide()

    def show_all(self) -> None:
        if self._kept is not None:
            self._window.restoreState(self._kept, STATE_VERSION)
            self._kept = None
        if not self._sized:
            # Sizes only hold once the docks are on the screen.
            self._sized = True
            QTimer.singleShot(0, self, self._apply_sizes)

    def reset(self) -> None:
        docks = self.docks
        for place in PLACES:
            docks[place.name].setFloating(False)
            self._window.addDockWidget(place.area, docks[place.name])
        self._window.tabifyDockWidget(docks["gallery"], docks["queue"])
        self._window.tabifyDockWidget(docks["queue"], docks["log"])
        self._window.tabifyDockWidget(docks["inspector"], docks["help"])
        for place in PLACES:
            docks[place.name].setVisible(place.visible)
        docks["gallery"].raise_()
        docks["inspector"].raise_()
        self._apply_sizes()

    def _apply_sizes(self) -> None:
        self._resize(Qt.Orientation.Horizontal, "views", "inspector")
        self._resize(Qt.Orientation.Vertical, "gallery")

    def _resize(self, orientation: Qt.Orientation, *names: str) -> None:
        sizes = [next(place.size for place in PLACES if place.name == name) for name in names]
        self._window.resizeDocks([self.docks[name] for name in names], sizes, orientation)

    def _on_change(self) -> None:
        if not self._titles.isActive():
            self._titles.start(0)
        self.changed.emit()

    def _show_titles(self) -> None:
        # A tab says the name already, so a dock among tabs needs no title bar.
        for dock in self.docks.values():
            others = [other for other in self._window.tabifiedDockWidgets(dock) if not other.isHidden()]
            tabbed = (
                (bool(others) and not dock.isHidden()) or dock is self.docks["inspector"]
            ) and not dock.isFloating()
            if tabbed and dock.titleBarWidget() is None:
                dock.setTitleBarWidget(QWidget(dock))
            elif not tabbed and dock.titleBarWidget() is not None:
                dock.titleBarWidget().deleteLater()
                dock.setTitleBarWidget(None)  # type: ignore[arg-type]  # Qt: none gives the own one back

    def remember(self) -> None:
        store = settings.store()
        state = self._window.saveState(STATE_VERSION) if self._kept is None else self._kept
        store.setValue("layout/geometry", self._window.saveGeometry())
        store.setValue("layout/docks", state)
        store.setValue("layout/inspector", self.inspector.tabText(self.inspector.currentIndex()))

    def restore(self) -> None:
        geometry, state = settings.blob("layout/geometry"), settings.blob("layout/docks")
        if geometry is not None:
            self._window.restoreGeometry(geometry)
        tab = settings.store().value("layout/inspector", INSPECTOR_TABS[0])
        if tab in INSPECTOR_TABS:
            self.inspector.setCurrentWidget(self.slots[str(tab).lower()])
        if state is not None:
            self._sized = self._window.restoreState(state, STATE_VERSION)
