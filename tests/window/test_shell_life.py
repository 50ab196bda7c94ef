from __future__ import annotations

import gc

import psutil
import pytest
from PySide6.QtWidgets import QApplication

from tests.window.conftest import OpenWindow, settle

_MEGABYTE = 1e6


def memory() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / _MEGABYTE


def open_and_close(qapp: QApplication, open_window: OpenWindow, times: int) -> list[float]:
    used = []
    for _ in range(times):
        window = open_window(project="person")
        window.docks.show("edit")
        settle()
        window.closing.agree()
        window.close()
        window.deleteLater()
        settle()
        used.append(memory())
    return used


def test_opening_and_closing_some_times(qapp: QApplication, open_window: OpenWindow) -> None:
    used = open_and_close(qapp, open_window, 4)
    assert used[-1] - used[1] < 40, used


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_opening_and_closing_fifty_times(qapp: QApplication, open_window: OpenWindow) -> None:
    used = open_and_close(qapp, open_window, 50)
    assert used[-1] - used[9] < 40, used
