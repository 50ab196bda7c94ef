"""The docks around the viewport: made at once, filled when their panels are there."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QSizePolicy, QStackedLayout, QTabWidget, QWidget

from app.shell import settings

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
INSPECTOR_TABS = ("Pose", "Edit", "Result", "Export", "History")


class Slot(QWidget):
    """Holds one panel; says that it is loading until it comes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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


class Docks:
    """The docks of a window by name, their layout and where it is remembered."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.docks: dict[str, QDockWidget] = {}
        self.slots: dict[str, Slot] = {}
        self.inspector = QTabWidget()
        self.inspector.setObjectName("inspectorTabs")
        self.inspector.setDocumentMode(True)
        for tab in INSPECTOR_TABS:
            slot = Slot(self.inspector)
            self.slots[tab.lower()] = slot
            self.inspector.addTab(slot, tab)
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
        self.docks[place.name] = dock

    def fill(self, name: str, panel: QWidget) -> None:
        self.slots[name].fill(panel)

    def show(self, name: str) -> None:
        """Bring a dock, or a tab of the inspector, to the front."""
        if name in self.docks:
            dock = self.docks[name]
        else:
            dock = self.docks["inspector"]
            self.inspector.setCurrentWidget(self.slots[name])
        dock.show()
        dock.raise_()

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
        self._resize(Qt.Orientation.Horizontal, "views", "inspector")
        self._resize(Qt.Orientation.Vertical, "gallery")

    def _resize(self, orientation: Qt.Orientation, *names: str) -> None:
        sizes = [next(place.size for place in PLACES if place.name == name) for name in names]
        self._window.resizeDocks([self.docks[name] for name in names], sizes, orientation)

    def remember(self) -> None:
        store = settings.store()
        store.setValue("layout/geometry", self._window.saveGeometry())
        store.setValue("layout/docks", self._window.saveState(STATE_VERSION))
        store.setValue("layout/inspector", self.inspector.currentIndex())

    def restore(self) -> bool:
        geometry, state = settings.blob("layout/geometry"), settings.blob("layout/docks")
        if geometry is not None:
            self._window.restoreGeometry(geometry)
        index = settings.store().value("layout/inspector", 0)
        self.inspector.setCurrentIndex(int(index) if str(index).isdigit() else 0)
        return state is not None and self._window.restoreState(state, STATE_VERSION)
