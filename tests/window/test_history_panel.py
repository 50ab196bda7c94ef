from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QPushButton

from app.document.document import Document
from app.panels.history import HistoryPanel
from app.panels.history_entries import disk_use
from qnerf_core.body.pose_file import read_pose
from qnerf_core.errors import FileFormatError
from qnerf_core.runs.labels import read_label
from qnerf_core.scene.capture import load_capture
from tests.window.gallery_runs import FakeQueue, FakeRun, finished_run
from tests.window.gallery_tools import wait_for


@pytest.fixture
def runs(document: Document) -> list[FakeRun]:
    assert document.project is not None
    made = [
        finished_run(document.project.runs_folder / f"run{seed}", views=2, intervals=2, seed=seed) for seed in (1, 2)
    ]
    for run in made:
        run.write(created=1_790_000_000.0 + run.seed)
    return made


@pytest.fixture
def queue(qapp: QApplication) -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def panel(document: Document, runs: list[FakeRun], queue: FakeQueue) -> HistoryPanel:
    panel = HistoryPanel(document, queue)  # type: ignore[arg-type]
    panel.resize(340, 560)
    panel.show()
    wait_for(lambda: panel.model.total == len(runs))
    return panel


def test_runs_are_listed_newest_first_and_found(panel: HistoryPanel, runs: list[FakeRun]) -> None:
    assert [panel.model.entry(row).path for row in (0, 1)] == [runs[1].path, runs[0].path]
    assert panel.current is not None
    assert panel.current.size == disk_use(runs[1].path)
    QTest.keyClicks(panel.search, "run1")
    assert panel.model.rowCount() == 1
    assert panel.current.path == runs[0].path
    QTest.keyClicks(panel.search, " nothing")
    assert panel.empty.isVisible()


def test_star_and_words_are_kept_in_the_run(panel: HistoryPanel, runs: list[FakeRun]) -> None:
    row = panel.list.visualRect(panel.model.index(1))
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=panel.delegate.star_place(row).center())
    wait_for(lambda: read_label(runs[0].path).starred)
    panel.list.setCurrentIndex(panel.model.index(0))
    QTest.keyClicks(panel.details.title, "Arms up")
    QTest.keyClicks(panel.details.note, "the best")
    panel.list.setCurrentIndex(panel.model.index(1))
    wait_for(lambda: read_label(runs[1].path).note == "the best")
    assert read_label(runs[1].path).title == "Arms up"
    assert not read_label(runs[1].path).starred
    panel.starred.click()
    assert [panel.model.entry(row).path for row in range(panel.model.rowCount())] == [runs[0].path]


def test_a_run_is_shown_and_compared(panel: HistoryPanel, runs: list[FakeRun]) -> None:
    shown, compared = QSignalSpy(panel.runActivated), QSignalSpy(panel.compareRequested)
    place = panel.list.visualRect(panel.model.index(1)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseClick(panel.details.compare, Qt.MouseButton.LeftButton)
    assert (shown.at(0)[0], compared.at(0)[0]) == (runs[0].path, runs[0].path)


def test_settings_and_pose_are_recalled_with_or_without_the_seed_by_one_command(
    panel: HistoryPanel, document: Document
) -> None:
    before = document.spec
    target = read_pose(load_capture("person").edit("raise-arms").pose_path)
    panel.recall_all()
    assert (document.spec.tau, document.spec.steps, document.spec.seed) == (2, 4, 2)
    assert document.edit_name == "raise-arms"
    assert (document.target_pose.body_pose == target.body_pose).all()
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.spec == before
    panel.recall_all_but_seed()
    assert (document.spec.tau, document.spec.seed) == (2, before.seed)


def _drop(panel: HistoryPanel, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(20, 20), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(panel, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(panel, QDropEvent(QPointF(20, 20), Qt.DropAction.CopyAction, data, buttons, keys))


def test_a_dropped_picture_brings_its_settings_back(
    panel: HistoryPanel, document: Document, runs: list[FakeRun], tmp_path: Path
) -> None:
    picture = runs[0].path / "edited" / f"{runs[0].views[0]}.png"
    _drop(panel, picture)
    answer = panel.findChild(QPushButton, "answer All settings")
    assert answer is not None
    QTest.mouseClick(answer, Qt.MouseButton.LeftButton)
    assert (document.spec.tau, document.spec.seed) == (2, 1)
    assert document.spec.views == runs[0].views
    (tmp_path / "other.png").write_bytes(
        (runs[0].path / "intervals/00/previews" / f"{runs[0].views[0]}.jpg").read_bytes()
    )
    with pytest.raises(FileFormatError, match="carries none"):
        panel.recall_picture(tmp_path / "other.png")


def test_a_run_is_deleted_after_a_question_that_says_what_becomes_free(
    panel: HistoryPanel, runs: list[FakeRun], queue: FakeQueue
) -> None:
    job = queue.put("edit", runs[1].path, {}, "running")
    wait_for(lambda: not panel.details.delete.isEnabled())
    panel.ask_to_delete()
    assert panel.findChild(QPushButton, "answer Delete") is None
    job.state = "finished"
    queue.jobsChanged.emit()
    wait_for(lambda: panel.details.delete.isEnabled())
    deleted = QSignalSpy(panel.runDeleted)
    QTest.mouseClick(panel.details.delete, Qt.MouseButton.LeftButton)
    answer = panel.findChild(QPushButton, "answer Delete")
    assert answer is not None
    QTest.mouseClick(answer, Qt.MouseButton.LeftButton)
    wait_for(lambda: panel.model.total == 1)
    assert deleted.at(0)[0] == runs[1].path
    assert [path.name for path in runs[1].path.parent.iterdir()] == ["run1"]


def test_damaged_runs_are_listed_as_such(panel: HistoryPanel, document: Document, runs: list[FakeRun]) -> None:
    (runs[0].path / "run.json").write_text(json.dumps({"version": 1}))
    document.runsChanged.emit()
    wait_for(lambda: any(panel.model.entry(row).problem for row in range(panel.model.rowCount())))
    row = panel.model.row_of(runs[0].path)
    panel.list.setCurrentIndex(panel.model.index(row))
    assert not panel.details.recall.isEnabled()
    assert panel.details.delete.isEnabled()
    assert panel.list.indexAt(QPoint(10, 10)).isValid()
