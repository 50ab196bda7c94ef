"""Running what needs `pycolmap` in a child process, with progress and cancel."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qnerf_core.errors import Cancelled, CaptureError

Progress = Callable[[str, int, int], None]
"""What is being done, how many are done, of how many."""

_LOOK = 0.1


def run_child(
    what: str,
    first: Path,
    second: Path,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> str | None:
    """Run `colmap_child` until it ends.

    Args:
        what: Which of its commands.
        first: Its first argument.
        second: Its second argument.
        progress: Told of every step.
        cancelled: Asked ten times a second.

    Returns:
        None if all went well, else what went wrong.

    Raises:
        CaptureError: `pycolmap` is not installed.
        Cancelled: It was cancelled; the child is ended.
    """
    if importlib.util.find_spec("pycolmap") is None:
        raise missing_pycolmap(first)
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        [sys.executable, "-m", "qnerf_core.scene.colmap_child", what, str(first), str(second)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_collect, args=(child, lines), daemon=True)
    reader.start()
    failure: str | None = None
    try:
        while True:
            if cancelled is not None and cancelled():
                raise Cancelled("COLMAP is stopped", "nothing was changed", "Start it again any time.")
            try:
                line = lines.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if line is None:
                break
            message = _message(line)
            if "failed" in message:
                failure = str(message["failed"])
            elif progress is not None and "stage" in message:
                progress(str(message["stage"]), int(message["done"]), int(message["total"]))
        code = child.wait()
    finally:
        child.kill()
        child.wait()
        reader.join()
        if child.stdout is not None:
            child.stdout.close()
    if failure is None and code != 0:
        failure = f"it ended with code {code}"
    return failure


def missing_pycolmap(path: Path | str) -> CaptureError:
    """Return the error that says how to install what is missing.

    Args:
        path: What cannot be read without it.
    """
    return CaptureError(
        f"Cannot use {path}",
        "COLMAP's files need the package pycolmap, which is not installed",
        "Install it with: pip install pycolmap (or the extra: pip install 'qnerf-studio[colmap]').",
    )


def _collect(child: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        lines.put(line)
    lines.put(None)


def _message(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
