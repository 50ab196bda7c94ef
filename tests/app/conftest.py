from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication

from app.shell import display
from app.shell.application import make_application


@pytest.fixture(scope="session")
def core_application() -> QCoreApplication:
    # A process has one application: where there is a display, it is one that the window's tests can use after these.
    existing = QCoreApplication.instance()
    if existing is not None:
        return existing
    return make_application(["qnerf-studio"]) if display.problem() is None else QCoreApplication([])
