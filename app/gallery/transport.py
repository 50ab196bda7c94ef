from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.gallery.run_state import RunState
from app.gallery.scrubber import Scrubber
from app.gallery.words import describe
from app.shell.icons import set_icon

_MILLISECONDS = 480
SPEEDS = (0.5, 1.0, 2.0, 4.0)


class Transport(QWidget):
    """The scrubber with play and what can be done with the interval it stands on."""

    branchAsked = Signal()
    exportAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self._state: RunState | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._advance)
        self._speed = 1
        self._compact = False
        self.scrubber = Scrubber()
        self.previous = self._button("previousStop", "arrow-left", "Back one interval (Left)")
        self.play = self._button("playIntervals", "play", "Play the intervals (K)")
        self.next = self._button("nextStop", "arrow-right", "On one interval (Right)")
        self.speed = self._button("playSpeed", "", "Speed of playing")
        self.speed.setText("1x")
        self.label = QLabel()
        self.label.setObjectName("stopLabel")
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.export = QPushButton("Export interval")
        self.export.setObjectName("exportInterval")
        self.export.setToolTip("Write this interval's pictures with their cameras as a data set")
        self.branch = QPushButton("Branch from here")
        self.branch.setObjectName("branchHere")
        self.branch.setToolTip("Start a new run that goes on from this interval with other settings (B)")
        for button, icon in ((self.export, "export"), (self.branch, "branch")):
            set_icon(button, icon)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(8, 0, 8, 0)
        self._row.setSpacing(2)
        for widget in (self.previous, self.play, self.next, self.speed):
            self._row.addWidget(widget)
        self._row.addSpacing(8)
        self._row.addWidget(self.label, 1)
        self._row.addWidget(self.export)
        self._row.addSpacing(4)
        self._row.addWidget(self.branch)
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 4, 0, 4)
        self._outer.setSpacing(2)
        self._outer.addLayout(self._row)
        self._outer.addWidget(self.scrubber)
        self.previous.clicked.connect(lambda: self.step(-1))
        self.next.clicked.connect(lambda: self.step(1))
        self.play.clicked.connect(self.toggle_play)
        self.speed.clicked.connect(self._next_speed)
        self.export.clicked.connect(self.exportAsked)
        self.branch.clicked.connect(self.branchAsked)
        self.scrubber.stopChanged.connect(self._describe)

    def _button(self, name: str, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setToolTip(tip)
        if icon:
            set_icon(button, icon)
        button.setIconSize(QSize(16, 16))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def set_compact(self, compact: bool) -> None:
        """Everything in one row, where the window leaves little height."""
        if compact == self._compact:
            return
        self._compact = compact
        self.label.setVisible(not compact)
        for button, text in ((self.export, "Export interval"), (self.branch, "Branch from here")):
            button.setText("" if compact else text)
        if compact:
            self._row.insertWidget(self._row.indexOf(self.label), self.scrubber, 1)
        else:
            self._outer.addWidget(self.scrubber)

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def set_state(self, state: RunState | None) -> None:
        self._state = state
        self.scrubber.set_state(state)
        self._describe()

    def step(self, by: int) -> None:
        self.scrubber.set_stop(self.scrubber.stop + by)

    def toggle_play(self) -> None:
        if self.playing:
            self.pause()
        elif self._state and self._state.newest > 0:
            if self.scrubber.stop >= self._state.newest:
                self.scrubber.set_stop(0)
            self._timer.start(round(_MILLISECONDS / SPEEDS[self._speed]))
            set_icon(self.play, "pause")

    def pause(self) -> None:
        self._timer.stop()
        set_icon(self.play, "play")

    def _advance(self) -> None:
        newest = self._state.newest if self._state else 0
        following = self.scrubber.stop + 1
        self.scrubber.set_stop(following if following <= newest else 0)

    def _next_speed(self) -> None:
        self._speed = (self._speed + 1) % len(SPEEDS)
        self.speed.setText(f"{SPEEDS[self._speed]:g}x")
        if self.playing:
            self._timer.start(round(_MILLISECONDS / SPEEDS[self._speed]))

    def _describe(self) -> None:
        state, number = self._state, self.scrubber.stop
        stop = state.stops[number] if state and number < len(state.stops) else None
        finished = stop is not None and stop.kind == "interval" and stop.state == "finished"
        self.branch.setEnabled(finished)
        self.export.setEnabled(finished and stop is not None and stop.has_pictures)
        self.label.setText(describe(stop, state) if stop and state else "")
        for widget in (self.previous, self.next, self.play, self.speed):
            widget.setEnabled(state is not None and bool(state.stops))
