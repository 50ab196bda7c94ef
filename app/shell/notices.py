"""What the program has to say: posted from any thread, shown by the bar of the window, kept in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from qnerf_core.errors import StudioError

Severity = Literal["info", "success", "warning", "error"]

_LEVELS = {"info": logging.INFO, "success": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    title: str
    cause: str = ""
    next_step: str = ""
    severity: Severity = "info"
    details: str = ""
    actions: Sequence[tuple[str, Callable[[], object]]] = field(default=(), compare=False)

    @property
    def text(self) -> str:
        """Everything, as it is copied and logged."""
        lines = [self.title]
        if self.cause:
            lines.append(f"Why: {self.cause}")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        if self.details:
            lines += ["", self.details]
        return "\n".join(lines)


class Notices(QObject):
    posted = Signal(object)

    def post(self, notice: Notice) -> None:
        _log.log(_LEVELS[notice.severity], "%s", notice.text)
        self.posted.emit(notice)


def notices() -> Notices | None:
    application = QApplication.instance()
    return application.findChild(Notices) if application is not None else None


def notify(
    title: str,
    cause: str = "",
    next_step: str = "",
    severity: Severity = "info",
    actions: Sequence[tuple[str, Callable[[], object]]] = (),
    details: str = "",
) -> None:
    """Say something without stopping anybody; nothing happens where there is no window."""
    found = notices()
    if found is not None:
        found.post(Notice(title, cause, next_step, severity, details, tuple(actions)))


def notice_of(error: StudioError, details: str = "") -> Notice:
    return Notice(error.title, error.cause, error.next_step, "error", details)
