"""The whole journey in the real window with real events: open, pose, edit, scrub, branch, export, edit again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from app.job_state import Job
from app.shell.welcome import CaptureCard
from app.window import MainWindow
from qnerf_core.body.pose import SMPL_JOINTS
from qnerf_core.runs.folder import RunFolder
from tests.window.conftest import OpenWindow, settle, wait_until
from tests.window.viewport_hands import drag, joint_pixel, look

LEFT = Qt.MouseButton.LeftButton
_A_RUN = 1500.0


def click(widget: QWidget | None) -> None:
    assert widget is not None
    assert widget.isVisible(), widget.objectName()
    assert widget.isEnabled(), widget.objectName()
    QTest.mouseClick(widget, LEFT)
    QCoreApplication.processEvents()


def begin_with_person(window: MainWindow) -> None:
    click(window.welcome.findChild(CaptureCard, "capture person"))
    document, viewport = window.rooms.document, window.rooms.viewport
    assert document is not None
    assert viewport is not None
    assert wait_until(lambda: document.project is not None and viewport.is_ready)
    look(viewport)


def drag_wrist(window: MainWindow) -> None:
    document, viewport = window.rooms.document, window.rooms.viewport
    assert document is not None
    assert viewport is not None
    wrist = SMPL_JOINTS.index("left_wrist")
    before = document.body.joints(document.target_pose)[wrist]
    start = joint_pixel(viewport, "left_wrist")
    drag(viewport, start, start - [0, 60])
    after = document.body.joints(document.target_pose)[wrist]
    assert after[2] > before[2] + 0.05
    assert np.linalg.norm(joint_pixel(viewport, "left_wrist") - (start - [0, 60])) < 6
    settle()
    assert window.actions_of_table.qactions["edit.undo"].text() == "Undo Move left wrist"


def finished(window: MainWindow, count: int) -> Job:
    """The newest job, when so many are finished."""
    queue = window.rooms.queue
    assert queue is not None

    assert len(queue.jobs) >= count

    def done() -> bool:
        failed = [job.failure for job in queue.jobs if job.state == "failed"]
        assert not failed
        return sum(job.state == "finished" for job in queue.jobs) == count

    assert wait_until(done, _A_RUN)
    return queue.jobs[-1]


def edit(window: MainWindow) -> Job:
    document, gallery = window.rooms.document, window.rooms.gallery
    assert document is not None
    assert gallery is not None
    document.set_spec(**{"views": 2, "tau": 2, "diffusion.steps": 4})
    window.docks.show("edit")
    settle()
    seen: set[int] = set()
    gallery.stopChanged.connect(seen.add)
    click(window.findChild(QPushButton, "edit_button"))
    job = finished(window, 1)
    assert wait_until(lambda: gallery.state is not None and gallery.stop == len(gallery.state.stops) - 1)
    assert gallery.run == job.folder
    assert len(seen) > 2, "the gallery was filled at the end only"
    return job


def scrub(window: MainWindow) -> None:
    gallery = window.rooms.gallery
    assert gallery is not None
    scrubber = gallery.scrubber
    last = gallery.stop
    QTest.mousePress(scrubber, LEFT, pos=scrubber.segment(last).center().toPoint())
    for stop in range(last - 1, 0, -1):
        QTest.mouseMove(scrubber, scrubber.segment(stop).center().toPoint())
        QCoreApplication.processEvents()
        assert gallery.stop == stop
    QTest.mouseRelease(scrubber, LEFT, pos=scrubber.segment(1).center().toPoint())
    assert gallery.current_interval == 0


def branch(window: MainWindow, source: Path) -> None:
    document, gallery = window.rooms.document, window.rooms.gallery
    assert document is not None
    assert gallery is not None
    document.set_spec(**{"diffusion.guidance.alpha": 0.03})
    click(gallery.findChild(QPushButton, "branchHere"))
    question = next(top for top in QApplication.topLevelWidgets() if top.objectName() == "question")
    click(question.findChild(QPushButton, "answer Branch"))
    job = finished(window, 2)
    run = RunFolder(job.folder)
    assert run.info["branched_from"]["interval"] == 0
    assert job.folder != source
    assert wait_until(lambda: gallery.run == job.folder)


def export_and_edit_again(window: MainWindow, folder: Path) -> None:
    document, gallery = window.rooms.document, window.rooms.gallery
    assert document is not None
    assert gallery is not None
    # The run is read beside the window: what is shown may still be the one before, or this one as it was a moment ago.
    assert wait_until(
        lambda: gallery.state is not None and (gallery.state.path, gallery.state.status) == (gallery.run, "finished")
    )
    gallery.set_stop(2)
    assert gallery.current_interval == 1
    gallery.export_interval(folder)
    finished(window, 3)
    settle()
    again = next(
        button for button in window.notice_bar.findChildren(QPushButton) if button.text() == "Begin a project with it"
    )
    document.save()
    click(again)
    assert wait_until(lambda: document.provenance is not None)
    assert document.scene is not None
    assert len(document.scene.training_views) == 2


@pytest.mark.timeout(3600)
def test_the_whole_journey(qapp: QApplication, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window()
    begin_with_person(window)
    drag_wrist(window)
    job = edit(window)
    scrub(window)
    branch(window, job.folder)
    first = window.rooms.document.project.folder  # type: ignore[union-attr]
    export_and_edit_again(window, tmp_path / "exported")
    window.file.open_path(first)
    gallery = window.rooms.gallery
    assert gallery is not None
    assert wait_until(lambda: gallery.state is not None and gallery.run is not None and first in gallery.run.parents)
    assert window.rooms.document is not None
    assert len(window.rooms.document.project.runs()) == 2  # type: ignore[union-attr]
