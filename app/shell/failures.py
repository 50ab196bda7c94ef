"""What nobody caught becomes a notice and a line of the log, and the program goes on."""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from app.paths import logs_folder
from app.shell.notices import Notice, notice_of, notices
from qnerf_core.errors import Cancelled, StudioError

_log = logging.getLogger("qt")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
CRASH_FILE = "crash.log"


def install() -> Callable[[], None]:
    """Catch everything from now on, until what is returned is called."""
    before = sys.excepthook, threading.excepthook
    sys.excepthook = on_exception
    threading.excepthook = _on_thread_exception
    message_handler = qInstallMessageHandler(_on_qt_message)
    crash_file = (logs_folder() / CRASH_FILE).open("a", encoding="utf-8")
    faulthandler.enable(crash_file)

    def undo() -> None:
        sys.excepthook, threading.excepthook = before
        qInstallMessageHandler(message_handler)
        faulthandler.disable()
        crash_file.close()

    return undo


def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, (KeyboardInterrupt, Cancelled)):
        return
    details = "".join(traceback.format_exception(kind, error, trace))
    found = notices()
    if found is None:
        sys.__excepthook__(kind, error, trace)
        return
    found.post(explain(error, details))


def explain(error: BaseException, details: str) -> Notice:
    if isinstance(error, StudioError):
        return notice_of(error)
    if isinstance(error, MemoryError):
        cause = "there is not enough memory"
        return Notice("Out of memory", cause, "Close other programs, or edit fewer views", "error", details)
    if isinstance(error, OSError) and error.filename:
        cause = f"{error.strerror or error}: {error.filename}"
        step = "Check the path, its permissions and the free space"
        return Notice("Cannot read or write a file", cause, step, "error", details)
    cause = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    step = "The program goes on. Save your project; if it happens again, copy this and report it"
    return Notice("Something went wrong that should not have", cause, step, "error", details)


def _on_thread_exception(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        on_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    where = f" ({context.category})" if context.category and context.category != "default" else ""
    _log.log(_LEVELS.get(kind, logging.WARNING), "%s%s", message, where)
