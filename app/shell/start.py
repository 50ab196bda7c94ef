"""From the command line to a window on the screen, importing as little as possible before it is there."""

from __future__ import annotations

import sys
from pathlib import Path

from app.console import USER_ERROR
from app.shell import display


def open_window(path: Path | None) -> int:
    display.use_x11()
    problem = display.problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return USER_ERROR
    from app.shell.application import make_application
    from app.window import MainWindow

    application = make_application(sys.argv[:1])
    window = MainWindow(path)
    window.show()
    return application.exec()
