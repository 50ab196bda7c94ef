from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.window.conftest import OpenWindow

ROOT = Path(__file__).resolve().parents[2]


def test_the_window_opens(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window()
    assert QTest.qWaitForWindowExposed(window)
    assert window.welcome.isVisible()


def test_what_is_on_the_screen_first_loads_nothing_heavy() -> None:
    code = "import sys, app.window\nprint(*sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"torch", "numpy", "scipy", "pydantic", "PIL", "vtkmodules", "pyvista", "pyqtgraph"}
    assert heavy.isdisjoint(result.stdout.split())
