"""Opening and closing: nothing may stay, nothing may crash."""

from __future__ import annotations

import gc
import weakref

import psutil
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.document.document import Document
from app.panels.views import ViewsPanel
from app.viewport.viewport import Viewport
from tests.window.conftest import settle, wait_until
from tests.window.viewport_hands import drag, joint_pixel, look, opened

MEGABYTE = 1 << 20


def open_work_and_close() -> list[weakref.ref[object]]:
    with opened(size=(640, 480)) as viewport:
        wrist = joint_pixel(viewport, "left_wrist")
        drag(viewport, wrist, wrist + (0.0, -30.0))
        viewport.look_through("003")
        look(viewport)
        stage = viewport._stage
        assert stage is not None
        kept = [weakref.ref(thing) for thing in (stage, stage._window, viewport.tools, viewport.desk)]
        timers = viewport.findChildren(QTimer)
        viewport.close()
        assert not any(timer.isActive() for timer in timers)
        assert viewport.photos._store._executor._shutdown
        del stage, timers
    return kept


def repeat(times: int) -> tuple[list[weakref.ref[object]], list[int]]:
    kept: list[weakref.ref[object]] = []
    memory = []
    for _ in range(times):
        kept += open_work_and_close()
        settle()
        memory.append(psutil.Process().memory_info().rss)
    gc.collect()
    return kept, memory


def test_five_openings_leave_nothing(qapp: QApplication) -> None:
    kept, _ = repeat(5)
    assert not [thing for thing in kept if thing() is not None]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_fifty_openings_leave_nothing_and_take_no_memory(qapp: QApplication) -> None:
    kept, memory = repeat(50)
    assert not [thing for thing in kept if thing() is not None]
    growth = (memory[-1] - memory[9]) / MEGABYTE
    assert growth < 60, f"{growth:.0f} MB in forty openings"


def test_a_viewport_closed_before_it_has_loaded_loads_no_more(qapp: QApplication) -> None:
    document = Document()
    viewport = Viewport(document)
    viewport.show()
    viewport.close()
    viewport.shutdown()
    settle()
    assert not viewport.is_ready
    document.close_project()


def test_without_a_project_there_is_an_empty_view_that_takes_no_input(qapp: QApplication) -> None:
    document = Document()
    viewport = Viewport(document)
    panel = ViewsPanel(document)
    viewport.show()
    assert wait_until(lambda: viewport.is_ready, 60)
    look(viewport)
    document.new_project("person")
    look(viewport)
    assert viewport._stage is not None
    assert viewport._stage.triangles > 0
    document.close_project()
    look(viewport)
    assert viewport._stage.triangles == 0
    for widget in (viewport, panel):
        widget.shutdown()
        widget.close()
