"""How quick the window is (`python -m app.bench`): start, frames, drags, preview, scrubbing, stalls and memory."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from app.shell import display

if TYPE_CHECKING:
    from PySide6.QtCore import Qt

    from app.gallery.gallery import Gallery
    from app.job_state import Job
    from app.window import MainWindow

_FRAMES, _DRAGS, _PREVIEWS = 80, 40, 5
_SIZE = (1280, 800)
_PATIENCE = 3600.0
_REST = 2.0
# Tells when the window is painted and when all is in it, in seconds from the start of the process.
_START = """
import json, os, psutil, time
from app.shell import display
display.use_x11()
from app.shell.application import make_application
from app.shell.notices import notices
from app.window import MainWindow
from app.shell.log import LogLines
from PySide6.QtCore import QCoreApplication
began = psutil.Process().create_time()
application = make_application(["qnerf-studio"])
window = MainWindow(notices(), LogLines(application))
window.show()
while not window.windowHandle().isExposed():
    QCoreApplication.processEvents()
painted = time.time() - began
while not window.rooms.is_finished:
    QCoreApplication.processEvents()
print(json.dumps([painted, time.time() - began]), flush=True)
os._exit(0)
"""


class Bench:
    """Drives the real window with real events and keeps what it measures."""

    def __init__(self, window: MainWindow) -> None:
        rooms = window.rooms
        assert rooms.document is not None
        assert rooms.queue is not None
        assert rooms.gallery is not None
        assert rooms.viewport is not None
        assert rooms.preview is not None
        self.window, self.document, self.queue = window, rooms.document, rooms.queue
        self.gallery: Gallery = rooms.gallery
        self.viewport, self.preview = rooms.viewport, rooms.preview
        self.figures: dict[str, Any] = {}

    def say(self, name: str, value: float | str | list[int], unit: str = "") -> None:
        self.figures[name] = value
        shown = f"{value:.1f}" if isinstance(value, float) else value
        print(f"{name:52} {shown} {unit}", flush=True)

    # ---- the viewport

    def frames(self) -> None:
        from PySide6.QtCore import Qt

        self.document.set_current_view(self.document.current_view, False)
        self.window.look.focus("viewport")
        self._look()
        self._held("orbit", (200.0, 300.0), Qt.MouseButton.MiddleButton, (5.0, 0.5))
        self.viewport.look_from("corner")
        self._look()
        self._held("drag of a wrist", self._wrist(), Qt.MouseButton.LeftButton, (1.0, -3.0))
        self.viewport.look_through("001")
        self._look()
        self._held("drag of a wrist over a photo", self._wrist(), Qt.MouseButton.LeftButton, (1.0, -2.0))
        self.document.set_current_view("001", False)
        self.window.look.leave_focus()

    def _held(self, name: str, start: tuple[float, float], button: Qt.MouseButton, pace: tuple[float, float]) -> None:
        from PySide6.QtCore import QPoint
        from PySide6.QtTest import QTest

        def at(number: int) -> QPoint:
            return QPoint(round(start[0] + 6 + pace[0] * number), round(start[1] + 6 + pace[1] * number))

        spent: list[float] = []
        QTest.mousePress(self.viewport, button, pos=QPoint(round(start[0]), round(start[1])))
        QTest.mouseMove(self.viewport, at(0))
        connection = self.viewport.frameDrawn.connect(spent.append)
        wall, processor = time.perf_counter(), time.process_time()
        for number in range(1, _FRAMES + 1):
            before = len(spent)
            QTest.mouseMove(self.viewport, at(number))
            _wait_for_more(spent, before)
        self.say(f"{name}: frames a second", _FRAMES / (time.perf_counter() - wall))
        self.say(f"{name}: processor time a frame", 1000 * (time.process_time() - processor) / _FRAMES, "ms")
        self.viewport.frameDrawn.disconnect(connection)
        QTest.mouseRelease(self.viewport, button, pos=at(_FRAMES))
        self.document.undo_stack.undo()
        self._look()

    def _wrist(self) -> tuple[float, float]:
        from qnerf_core.body.pose import SMPL_JOINTS

        place = self.document.body.joints(self.document.pose)[SMPL_JOINTS.index("left_wrist")]
        across, down = self.viewport.current_camera().project(place)[0]
        return float(across), float(down)

    def _look(self) -> None:
        drawn: list[float] = []
        connection = self.viewport.frameDrawn.connect(drawn.append)
        self.viewport.request()
        _wait(lambda: bool(drawn) and not self.viewport.is_travelling)
        self.viewport.frameDrawn.disconnect(connection)

    def drags(self) -> None:
        """What a drag computes, without drawing."""
        document = self.document
        wrist = document.body.joints(document.pose)[20]
        solved, skinned = [], []
        document.begin_drag("Bench")
        for number in range(_DRAGS):
            began = time.perf_counter()
            document.drag_joint("left_wrist", wrist + [0.0, 0.002 * number, 0.01 * number])
            middle = time.perf_counter()
            document.body.vertices(document.pose)
            solved.append(middle - began)
            skinned.append(time.perf_counter() - middle)
        document.cancel_drag()
        self.say("drag: inverse kinematics and its listeners", 1000 * statistics.median(solved), "ms")
        self.say("drag: skinning", 1000 * statistics.median(skinned), "ms")

    # ---- the preview

    def previews(self) -> None:
        """From the end of a drag to the preview on the screen, the pause that ends the drag included."""
        document = self.document
        shown: list[float] = []
        connection = self.preview.ready.connect(lambda *_: shown.append(time.perf_counter()))
        document.set_current_view("001", True)
        document.apply_edit("raise-arms")
        seconds = []
        for number in range(_PREVIEWS):
            document.begin_drag("Bench")
            wrist = document.body.joints(document.pose)[20]
            document.drag_joint("left_wrist", wrist - [0.0, 0.0, 0.04 + 0.01 * number])
            document.end_drag()
            began, before = time.perf_counter(), len(shown)
            _wait_for_more(shown, before)
            seconds.append(shown[-1] - began)
        self.preview.ready.disconnect(connection)
        document.set_current_view("001", False)
        self.say("preview: the first, with the model's loading", seconds[0], "s")
        self.say("preview: later ones, median", statistics.median(seconds[1:]), "s")

    # ---- edits

    def edits(self, count: int, views: int, steps: int) -> None:
        from app.watchdog import Watchdog

        self.document.apply_edit("raise-arms")
        self.document.set_spec(**{"views": views, "tau": 2, "diffusion.steps": steps})
        self.window.docks.show("edit")
        # Showing a tab for the first time is no part of an edit.
        shown = time.monotonic()
        _wait(lambda: time.monotonic() > shown + _REST)
        watchdog = Watchdog(self.window)
        memory, engine = [], []
        longest = own = 0.0
        for number in range(count):
            self.document.set_spec(seed=number)
            watchdog.start()
            job = self.queue.submit_edit(self.document)
            _wait_for(job)
            watchdog.stop()
            if job.state != "finished":
                raise RuntimeError(f"the edit ended {job.state}: {job.failure}")
            longest, own = max(longest, watchdog.longest), max(own, watchdog.longest_own)
            memory.append(round(psutil.Process().memory_info().rss / 1e6))
            pid = self.queue.worker.engine_pid
            engine.append(round(psutil.Process(pid).memory_info().rss / 1e6) if pid is not None else 0)
        words = f"in {count} edits of {views} views, {steps} steps"
        self.say(f"longest stall of the event loop {words}", longest, "ms")
        self.say("of it the window's thread computed at most", own, "ms")
        self.say("memory of the window after each edit", memory, "MB")
        self.say("memory of the engine after each edit", engine, "MB")
        _wait(lambda: self.gallery.state is not None and self.gallery.state.status == "finished")

    def scrubs(self) -> None:
        """From a movement of the mouse on the scrubber to the painted pictures."""
        from PySide6.QtCore import QCoreApplication, Qt
        from PySide6.QtTest import QTest

        self.window.docks.show("gallery")
        gallery, scrubber = self.gallery, self.gallery.scrubber
        _wait(lambda: gallery.store.idle)
        stops = range(len(gallery.state.stops) if gallery.state is not None else 0)
        QTest.mousePress(scrubber, Qt.MouseButton.LeftButton, pos=scrubber.segment(0).center().toPoint())
        seconds = []
        for stop in [*stops, *reversed(stops)] * 3:
            began = time.perf_counter()
            QTest.mouseMove(scrubber, scrubber.segment(stop).center().toPoint())
            gallery.grid.viewport().repaint()
            QCoreApplication.processEvents()
            seconds.append(time.perf_counter() - began)
        QTest.mouseRelease(scrubber, Qt.MouseButton.LeftButton, pos=scrubber.segment(0).center().toPoint())
        self.say(f"scrubbing over {len(stops)} stops, median", 1000 * statistics.median(seconds), "ms")
        self.say("scrubbing, the slowest", 1000 * max(seconds), "ms")


def _wait(condition: Callable[[], bool]) -> None:
    from PySide6.QtCore import QCoreApplication

    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("nothing happened")
        QCoreApplication.processEvents()
        time.sleep(0.001)


def _wait_for_more(things: list[float], before: int) -> None:
    _wait(lambda: len(things) > before)


def _wait_for(job: Job) -> None:
    _wait(lambda: not job.unfinished)


def _start() -> list[float]:
    """The first start reads the disk, the second is that of every day."""
    seconds: list[float] = []
    for _ in range(2):
        shown = subprocess.run([sys.executable, "-c", _START], check=True, capture_output=True, text=True).stdout
        seconds += json.loads(shown.splitlines()[-1])
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app.bench", description=__doc__)
    parser.add_argument("--edits", type=int, default=10)
    parser.add_argument("--views", type=int, default=4, help="views of each edit")
    parser.add_argument("--steps", type=int, default=8, help="diffusion steps of each edit")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file too")
    arguments = parser.parse_args()
    display.use_x11()
    problem = display.problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="qnerf-bench-") as home:
        os.environ["QNERF_HOME"] = home
        figures = _measure(arguments.edits, arguments.views, arguments.steps)
    if arguments.out is not None:
        from qnerf_core import files

        files.write_json(arguments.out, figures)
    return 0


def _measure(edits: int, views: int, steps: int) -> dict[str, Any]:
    cold, _, warm, ready = _start()
    from app.shell import log, settings
    from app.shell.application import make_application
    from app.shell.commands_help import TOUR_SEEN
    from app.shell.notices import notices
    from app.shell.start import keep_for_good
    from app.window import MainWindow

    application = make_application(["qnerf-studio"])
    settings.set_flag(TOUR_SEEN)
    found = notices()
    assert found is not None
    window = MainWindow(found, log.start_logging(application))
    window.rooms.finished.connect(keep_for_good)
    window.resize(*_SIZE)
    window.show()
    window.activateWindow()
    try:
        _wait(lambda: window.rooms.is_finished)
        window.file.begin("person")
        _wait(lambda: window.rooms.viewport is not None and window.rooms.viewport.is_ready)
        bench = Bench(window)
        _wait(lambda: bench.viewport.photos.idle)
        bench.say("load of the machine before", psutil.getloadavg()[0])
        bench.say("start: window painted, first", cold, "s")
        bench.say("start: window painted, again", warm, "s")
        bench.say("start: every panel there, again", ready, "s")
        bench.frames()
        bench.drags()
        bench.previews()
        bench.edits(edits, views, steps)
        bench.scrubs()
        bench.say("load of the machine after", psutil.getloadavg()[0])
    finally:
        window.closing.agree()
        window.close()
        log.stop_logging()
    return bench.figures


if __name__ == "__main__":
    sys.exit(main())
