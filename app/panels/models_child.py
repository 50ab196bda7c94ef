"""`python main.py models ...` in a child process: torch stays out of the window, and a child can be stopped."""

from __future__ import annotations

import json
import sys
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from app.paths import project_root
from qnerf_core.errors import StudioError


class ModelsChild(QObject):
    said = Signal(str)  # a line of progress
    finished = Signal(object, object)  # what it found, or a StudioError

    def __init__(self, arguments: list[str], parent: QObject) -> None:
        super().__init__(parent)
        self._stopped = False
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        self._process.setProcessEnvironment(environment)
        self._process.setWorkingDirectory(str(project_root()))
        self._process.readyReadStandardError.connect(self._read_words)
        self._process.finished.connect(self._ended)
        self._process.start(sys.executable, ["main.py", "models", *arguments, "--json"])

    def stop(self) -> None:
        self._stopped = True
        self._process.kill()

    def _read_words(self) -> None:
        lines = bytes(self._process.readAllStandardError().data()).decode(errors="replace").split("\n")
        words = [line.strip() for line in lines if line.strip()]
        if words:
            self.said.emit(words[-1])

    def _ended(self, code: int) -> None:
        output = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
        answer = _last_object(output)
        if self._stopped:
            self.finished.emit(None, None)
        elif code == 0 and answer is not None:
            self.finished.emit(answer, None)
        else:
            told = (answer or {}).get("error") or {"title": "It did not work", "cause": f"it ended with code {code}"}
            self.finished.emit(None, StudioError(**told))
        self.deleteLater()


def _last_object(output: str) -> dict[str, Any] | None:
    start = output.find("{")
    try:
        return dict(json.loads(output[start:])) if start >= 0 else None
    except ValueError:
        return None
