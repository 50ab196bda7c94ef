"""The log: a rotating file in the data folder, and the last lines for the panel."""

from __future__ import annotations

import logging
from collections import deque
from logging.handlers import RotatingFileHandler

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from app.paths import logs_folder

LOG_FILE = "studio.log"
_FORMAT = "%(asctime)s  %(levelname)-8s %(name)s: %(message)s"
_MOST_LINES = 4000


class LogLines(QObject):
    """Every record of this session as (level, text), also those from before anybody looked."""

    added = Signal(int, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.lines: deque[tuple[int, str]] = deque(maxlen=_MOST_LINES)

    def add(self, level: int, text: str) -> None:
        self.lines.append((level, text))
        self.added.emit(level, text)


class _ToLines(logging.Handler):
    def __init__(self, lines: LogLines) -> None:
        super().__init__(logging.INFO)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.add(record.levelno, self.format(record))


def start_logging(application: QApplication) -> LogLines:
    lines = LogLines(application)
    to_file = RotatingFileHandler(logs_folder() / LOG_FILE, maxBytes=1_000_000, backupCount=4, encoding="utf-8")
    to_file.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(to_file)
    root.addHandler(_ToLines(lines))
    logging.captureWarnings(True)
    return lines


def stop_logging() -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, (_ToLines, RotatingFileHandler)):
            root.removeHandler(handler)
            handler.close()
    logging.captureWarnings(False)
