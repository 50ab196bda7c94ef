"""Measures how long the event loop is held up."""

from __future__ import annotations

import time

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer

_TICK_MS = 5


class Watchdog(QObject):
    """The longest time between two turns of the event loop while it watches, in milliseconds.

    `longest` is by the clock. `longest_own` counts the processor time of the window's thread only: on a machine that is
    busy with other things the loop also waits for its turn, which is nobody's fault here.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.longest = 0.0
        self.longest_own = 0.0
        self._clock = QElapsedTimer()
        self._processor = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self.longest = self.longest_own = 0.0
        self._clock.start()
        self._processor = time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        passed = self._clock.nsecsElapsed() / 1e6
        processor = time.thread_time()
        used = 1000 * (processor - self._processor)
        self.longest = max(self.longest, passed)
        self.longest_own = max(self.longest_own, min(passed, used))
        self._clock.restart()
        self._processor = processor
