"""From the command line to a window on the screen, importing as little as possible before it is there."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from app.shell import display

_CANNOT_OPEN = 2


def keep_for_good() -> None:
    """Spare what is there now, which stays until the end, from being looked through for garbage: 0.1 s each time."""
    gc.collect()
    gc.freeze()


def open_window(path: Path | None) -> int:
    display.use_x11()
    problem = display.problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return _CANNOT_OPEN
    from app.shell import failures, log
    from app.shell.application import make_application
    from app.shell.notices import notices
    from app.shell.signals import close_on_signals
    from app.window import MainWindow

    application = make_application(sys.argv[:1])
    lines = log.start_logging(application)
    stop_catching = failures.install()
    found = notices()
    assert found is not None
    window = MainWindow(found, lines, path)
    close_on_signals(window)
    window.rooms.finished.connect(keep_for_good)
    window.show()
    code = application.exec()
    stop_catching()
    log.stop_logging()
    return code
