"""Leaving a project or the program: asks when something would be lost, never waits for the dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog

from app.shell.questions import Button, ask
from app.shell.status import duration

if TYPE_CHECKING:
    from app.window import MainWindow

SAVE, DISCARD, KEEP, LATER = "Save", "Don't save", "Keep working", "Close when it is done"


class Closing(QObject):
    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._agreed = False
        self._waiting = False
        self._question: QDialog | None = None

    @property
    def waits_for_job(self) -> bool:
        return self._waiting

    def may_close(self) -> bool:
        """Whether the window may close now; otherwise the user is asked, and it closes itself when that is answered."""
        if self._agreed or not (self._modified or self._job_runs):
            return True
        if self._question is None:
            self._ask("Close QNeRF Studio?", self._close, later=True)
        return False

    def leave_project(self, go: Callable[[], object]) -> None:
        """Go on to another project, after asking if need be."""
        if self._modified or self._job_runs:
            if self._question is None:
                self._ask("Leave this project?", go, later=False)
        else:
            go()

    @property
    def _modified(self) -> bool:
        document = self._window.rooms.document
        return document is not None and document.project is not None and document.is_modified

    @property
    def _job_runs(self) -> bool:
        queue = self._window.rooms.queue
        return queue is not None and queue.running is not None

    def _ask(self, title: str, go: Callable[[], object], later: bool) -> None:
        sentences, buttons = [], list[Button]()
        document, queue = self._window.rooms.document, self._window.rooms.queue
        running = queue.running if queue is not None else None
        if running is not None:
            left = f", about {duration(running.seconds_left)} left" if running.seconds_left is not None else ""
            sentences.append(
                f"\u201c{running.title}\u201d is running ({100 * running.fraction:.0f} %{left}). It would be paused: "
                "what is finished is kept, and it goes on from there when you open the project again."
            )
        if self._modified:
            name = document.project.name if document is not None and document.project is not None else ""
            sentences.append(f"\u201c{name}\u201d has changes that are not saved.")
            buttons += [(DISCARD, "danger"), (KEEP, ""), (SAVE, "primary")]
        else:
            buttons += [(KEEP, ""), ("Pause and close" if later else "Pause and leave", "primary")]
        if later and running is not None:
            buttons.insert(len(buttons) - 1, (LATER, ""))
        self._question = ask(
            self._window, title, "\n\n".join(sentences), buttons, lambda answer: self._answer(answer, go)
        )

    def _answer(self, answer: str, go: Callable[[], object]) -> None:
        self._question = None
        if answer in ("", KEEP):
            return
        document = self._window.rooms.document
        if answer in (SAVE, LATER) and self._modified and document is not None:
            document.save()
        if answer == LATER:
            self._wait_for_job()
        else:
            go()

    def agree(self) -> None:
        """From now on nothing is asked."""
        self._agreed = True

    def _close(self) -> None:
        self.agree()
        self._window.close()

    def _wait_for_job(self) -> None:
        queue = self._window.rooms.queue
        if queue is None:
            return
        self._waiting = True
        self._window.status.set_hint("The window closes when the job is done")
        queue.jobsChanged.connect(self._close_if_done)
        self._close_if_done()

    def _close_if_done(self) -> None:
        queue = self._window.rooms.queue
        if self._waiting and queue is not None and queue.running is None and not queue.waiting:
            self._waiting = False
            queue.jobsChanged.disconnect(self._close_if_done)
            self._close()
