"""Drives the real window and takes a picture of every panel in both themes (`python -m app.screenshots`)."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.shell import display

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.window import MainWindow

_PATIENCE = 3600.0


class Photographer:
    """Goes through the journey of a user, taking pictures on the way."""

    def __init__(self, window: MainWindow, out: Path, views: int, steps: int, *, fields: bool) -> None:
        self._window = window
        self._out = out
        self._views = views
        self._steps = steps
        self._fields = fields
        self._run: Path | None = None

    def take_run(self, run: Path | None) -> None:
        """Show this one instead of making one."""
        self._run = run

    # ---- the camera

    def wait(self, condition: Callable[[], object], what: str) -> None:
        from PySide6.QtCore import QCoreApplication

        end = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(what)
            QCoreApplication.processEvents()
            time.sleep(0.01)

    def rest(self, seconds: float = 0.6) -> None:
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end, "rest")

    def shoot(self, name: str, widget: QWidget | None = None) -> None:
        from app.shell.themes import themes

        shown = widget or self._window
        for theme in ("light", "dark"):
            themes().choose("dark" if theme == "dark" else "light")
            self.rest(0.9)
            shown.grab().save(str(self._out / f"{name}-{theme}.png"))
        print(f"  {name}")

    def shoot_dialog(self, name: str, action: str) -> None:
        from PySide6.QtWidgets import QApplication, QDialog

        self._window.actions_of_table.run(action)
        self.rest(0.3)
        dialogs = [
            shown for shown in QApplication.topLevelWidgets() if isinstance(shown, QDialog) and shown.isVisible()
        ]
        self.shoot(name, dialogs[-1])
        dialogs[-1].close()
        self.rest(0.1)

    # ---- the journey

    def take_all(self) -> None:
        self.wait(lambda: self._window.rooms.is_finished, "the panels")
        self.welcome()
        self.posing()
        if self._run is None:
            self.running()
        else:
            self.earlier(self._run)
        self.gallery()
        self.result()
        self.help()
        self.proxy()

    def welcome(self) -> None:
        self.rest()
        self.shoot("welcome")
        self.shoot_dialog("palette", "edit.palette")
        self.shoot_dialog("shortcuts", "edit.shortcuts")
        self.shoot_dialog("sheet", "help.sheet")
        self.shoot_dialog("preferences", "file.preferences")
        self.shoot_dialog("about", "help.about")

    def posing(self) -> None:
        window = self._window
        document = window.rooms.document
        assert document is not None
        window.file.begin("person")
        self.wait(lambda: document.project, "the project")
        window.resize(1280, 800)
        self.wait(lambda: window.rooms.viewport is not None and window.rooms.viewport.is_ready, "the viewport")
        window.help.tour()
        self.rest(1.5)
        self.shoot("tour")
        self.end_tour()
        document.apply_edit("raise-arms")
        document.select_joint("left_elbow")
        window.actions_of_table.run("view.home")
        self.rest(2.0)
        self.shoot("pose")
        document.set_current_view(document.scene.views[1].name if document.scene is not None else None, True)
        self.rest(2.0)
        self.shoot("photo")

    def end_tour(self) -> None:
        from app.shell.tour import Tour

        for tour in self._window.findChildren(Tour):
            tour.end()

    def running(self) -> None:
        window = self._window
        document, queue, gallery = window.rooms.document, window.rooms.queue, window.rooms.gallery
        assert document is not None
        assert queue is not None
        assert gallery is not None
        document.set_current_view(document.current_view, False)
        document.set_spec(**{"views": self._views, "diffusion.steps": self._steps})
        window.docks.show("edit")
        self.rest(1.0)
        self.shoot("edit")
        window.actions_of_table.run("run.start")
        self.wait(lambda: queue.running is not None, "the run")
        job = queue.running
        assert job is not None
        self.wait(lambda: gallery.stop > 0 or not job.unfinished, "the first interval")
        self.shoot("running")
        window.docks.show("queue")
        self.rest()
        self.shoot("queue")
        self.wait(lambda: not job.unfinished, "the end of the run")
        if job.state != "finished":
            raise RuntimeError(f"the run ended {job.state}: {job.failure}")

    def earlier(self, run: Path) -> None:
        rooms = self._window.rooms
        assert rooms.document is not None
        assert rooms.document.project is not None
        assert rooms.gallery is not None
        gallery, document = rooms.gallery, rooms.document
        document.set_current_view(document.current_view, False)
        copy = rooms.document.project.runs_folder / run.name
        shutil.copytree(run, copy)
        document.runsChanged.emit()
        gallery.set_run(copy)
        self.wait(lambda: gallery.state is not None and gallery.state.stops, "the run")

    def gallery(self) -> None:
        window = self._window
        gallery = window.rooms.gallery
        assert gallery is not None
        window.look.focus("gallery")
        self.rest(1.5)
        gallery.last_stop()
        gallery.comparison.set_against("original")
        self.rest(2.0)
        self.shoot("wipe")
        gallery.comparison.set_against("off")
        for page, name in ((1, "sheet-of-intervals"), (2, "enlarged"), (3, "inside"), (4, "plots")):
            if page == 3:
                # The first interval's QNeRF is the one that had most to do.
                gallery.set_stop(1)
            gallery.show_page(page)
            self.rest(2.5)
            self.shoot(name)
        gallery.show_page(0)
        window.look.leave_focus()

    def result(self) -> None:
        window = self._window
        window.docks.show("gallery")
        if self._fields:
            window.docks.show("result")
            self._fit()
        for tab in ("result", "export", "history"):
            window.docks.show(tab)
            self.rest(2.0)
            self.shoot(tab)

    def _fit(self) -> None:
        result, queue = self._window.rooms.result, self._window.rooms.queue
        assert result is not None
        assert queue is not None
        result.fit_result()
        result.fit_originals()
        self.wait(lambda: not any(job.unfinished for job in queue.jobs), "both NeRFs")
        self.wait(lambda: all(pane.image is not None for pane in result.panes.values()), "pictures of both")
        self.rest(8.0)

    def help(self) -> None:
        from app.shell.notices import notify

        window = self._window
        window.help.show_page("viewport")
        window.docks.show("log")
        notify(
            "The edit stopped",
            "it needed 9.2 GB of memory, and 6.1 GB were free",
            "Edit fewer views, or smaller pictures",
            "error",
            [("Show the queue", lambda: None)],
            "Details of the failure would stand here.",
        )
        self.rest(1.0)
        self.shoot("notice")
        window.notice_bar.dismiss()

    def proxy(self) -> None:
        """A capture that is edited by a loose depth proxy."""
        window = self._window
        document = window.rooms.document
        assert document is not None
        if document.project is not None:
            document.save()
        before = document.project
        window.file.begin("sofa")
        self.wait(lambda: document.project is not None and document.project is not before, "the sofa")
        window.docks.docks["help"].hide()
        window.docks.show("gallery")
        window.docks.show("proxy")
        document.apply_edit("wider")
        self.rest(3.0)
        self.shoot("proxy")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--views", type=int, default=8, help="views of the run that is shown")
    parser.add_argument("--steps", type=int, default=12, help="its diffusion steps")
    parser.add_argument("--run", type=Path, help="show this finished run of the capture person instead of making one")
    parser.add_argument("--no-nerf", action="store_true", help="show no result in 3D, which takes some minutes to fit")
    arguments = parser.parse_args()
    display.use_x11()
    problem = display.problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="qnerf-screenshots-") as home:
        # A fresh program: no settings, projects or recent files of whoever runs this.
        os.environ["QNERF_HOME"] = home
        _photograph(arguments)
    return 0


def _photograph(arguments: argparse.Namespace) -> None:
    from app.shell import log, settings
    from app.shell.application import make_application
    from app.shell.commands_help import TOUR_SEEN
    from app.shell.notices import notices
    from app.window import MainWindow

    application = make_application(["qnerf-studio"])
    settings.set_flag(TOUR_SEEN)
    found = notices()
    assert found is not None
    window = MainWindow(found, log.start_logging(application))
    window.show()
    window.activateWindow()
    try:
        photographer = Photographer(
            window, arguments.out, arguments.views, arguments.steps, fields=not arguments.no_nerf
        )
        photographer.take_run(arguments.run)
        photographer.take_all()
    finally:
        window.closing.agree()
        window.close()
        log.stop_logging()


if __name__ == "__main__":
    sys.exit(main())
