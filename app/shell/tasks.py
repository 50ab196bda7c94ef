"""Work beside the window whose result, or error, arrives in the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal


class Task(QObject):
    finished = Signal(object, object)  # result, error

    def __init__(
        self, owner: QObject, work: Callable[[], Any], then: Callable[[Any], object], at_end: Callable[[], object]
    ) -> None:
        super().__init__(owner)
        self._work, self._then, self._at_end = work, then, at_end
        self.finished.connect(self._hand_over)
        self._thread = threading.Thread(target=self._run, name="task", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until the work has ended, but no longer; its result is handed over later all the same."""
        self._thread.join(seconds)

    def _run(self) -> None:
        result, problem = None, None
        try:
            result = self._work()
        except Exception as error:  # noqa: BLE001 - raised again where it is reported
            problem = error
        try:
            self.finished.emit(result, problem)
        except RuntimeError:  # the window was closed meanwhile
            return

    def _hand_over(self, result: Any, problem: Exception | None) -> None:
        self._thread.join()
        self.deleteLater()
        self._at_end()
        if problem is not None:
            raise problem
        self._then(result)


def beside(
    owner: QObject,
    work: Callable[[], Any],
    then: Callable[[Any], object],
    at_end: Callable[[], object] = lambda: None,
) -> Task:
    """Do `work` in a thread, then `then` with its result here; an error of the work is raised here.

    `at_end` is called here in either case, before the result or the error is handed over.
    """
    return Task(owner, work, then, at_end)
