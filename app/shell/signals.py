"""Ctrl-C in the terminal and a shutdown of the system close the window like a click, without questions."""

from __future__ import annotations

import signal
import socket
from types import FrameType

from PySide6.QtCore import QSocketNotifier

from app.window import MainWindow


def close_on_signals(window: MainWindow) -> None:
    # Python runs its handler only between two byte codes, and an idle event loop executes none: the socket wakes it.
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read, window)

    def close(_number: int, _frame: FrameType | None) -> None:
        window.close_at_once()

    def wake() -> None:
        reader.recv(64)

    notifier.activated.connect(wake)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, close)
    window.destroyed.connect(writer.close)
