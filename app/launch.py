"""What the program does when it is started: open the window, or run a command."""

from __future__ import annotations

import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Without arguments or with a path the window; otherwise a command. Returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        return _window(None)
    # The command line is slow to import, and a window in a hurry does not need it.
    from app import cli

    if len(arguments) == 1 and not cli.is_command(arguments[0]) and Path(arguments[0]).exists():
        return _window(Path(arguments[0]).resolve())
    return cli.main(arguments)


def _window(path: Path | None) -> int:
    from app.shell.start import open_window

    return open_window(path)
