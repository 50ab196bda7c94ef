from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QToolButton,
    QWidget,
)

from app import estimate
from app.document.document import Document
from app.document.opening import OpenedScene, open_scene
from app.jobs import Job, JobQueue
from app.panels.edit import EditPanel
from app.panels.queue import QueuePanel
from app.presets import PRESETS_FILE
from app.watchdog import Watchdog
from qnerf_core.body.pose_file import parse_pose
from qnerf_core.body.surface import BodySurface
from qnerf_core.runs.folder import RunFolder
from tests.window.conftest import OpenWindow, settle, wait_until

LEFT = Qt.MouseButton.LeftButton
PLAIN_CONTROLS = 10


@pytest.fixture(scope="module")
def opened() -> OpenedScene:
    return open_scene("person", BodySurface.load())


@pytest.fixture
def document(qapp: QApplication, opened: OpenedScene) -> Iterator[Document]:
    document = Document()
    document.start_project(opened)
    yield document
    document.close_project()


@pytest.fixture
def queue(document: Document, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobQueue]:
    """A queue that starts nothing."""
    queue = JobQueue()
    monkeypatch.setattr(queue, "_start_next", lambda: None)
    queue.attach(document)
    yield queue
    queue.close()


@pytest.fixture
def panel(document: Document, queue: JobQueue) -> Iterator[EditPanel]:
    panel = EditPanel(document, queue)
    panel.resize(340, 800)
    panel.show()
    assert QTest.qWaitForWindowExposed(panel)
    yield panel
    panel.close()
    panel.deleteLater()
    settle()


Found = TypeVar("Found", bound=QWidget)


def child(panel: QWidget, kind: type[Found], name: str = "") -> Found:
    found = panel.findChild(kind, name) if name else panel.findChild(kind)
    assert isinstance(found, kind), f"no {kind.__name__} {name}"
    return found


def type_into(box: QAbstractSpinBox | QLineEdit, text: str) -> None:
    box.setFocus()
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def test_settings_are_typed_undone_and_reset(panel: EditPanel, document: Document) -> None:
    plain = [row for row in panel.fields.values() if not panel.advanced.isAncestorOf(row)]
    assert len(plain) + 1 <= PLAIN_CONTROLS  # the presets
    assert all(len(row.toolTip()) > 40 for row in panel.fields.values())
    steps = panel.fields["diffusion.steps"]
    type_into(child(steps, QAbstractSpinBox), "34")
    assert document.spec.diffusion.steps == 34
    assert steps.reset.isVisible()
    type_into(child(panel.fields["prompt"], QLineEdit), "a clown")
    assert document.spec.prompt == "a clown"
    slider = child(panel.fields["diffusion.guidance.alpha"], QSlider)
    before = document.spec.diffusion.guidance.alpha
    QTest.keyClick(slider, Qt.Key.Key_PageUp)
    assert document.spec.diffusion.guidance.alpha == pytest.approx(2 * before)
    assert child(panel.fields["diffusion.guidance.alpha"].editor, QLabel).text() == "strong"
    document.undo_stack.undo()
    assert child(panel.fields["diffusion.guidance.alpha"].editor, QLabel).text() == "normal"
    document.undo_stack.undo()
    assert child(panel.fields["prompt"], QLineEdit).text() == ""
    assert document.spec.prompt is None
    QTest.mouseClick(steps.reset, LEFT)
    assert document.spec.diffusion.steps == 20
    assert not steps.reset.isVisible()
    document.undo_stack.undo()
    assert document.spec.diffusion.steps == 34
    QTest.mouseClick(child(panel, QToolButton, "seed_dice"), LEFT)
    assert document.spec.seed > 0


def test_noise_is_as_the_model_learned_it_until_a_share_is_typed(panel: EditPanel, document: Document) -> None:
    noise = panel.fields["diffusion.strength"]
    box = child(noise, QAbstractSpinBox)
    assert box.text() == "automatic"
    type_into(box, "0.5")
    assert document.spec.diffusion.strength == pytest.approx(0.5)
    document.undo_stack.undo()
    assert document.spec.diffusion.strength is None
    assert box.text() == "automatic"
    document.undo_stack.redo()
    box.setFocus()
    for _ in range(10):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert document.spec.diffusion.strength is None, "below the least share it is automatic again"


def test_the_wheel_does_not_change_what_it_rolls_over(panel: EditPanel, document: Document) -> None:
    before = document.spec
    for row in panel.fields.values():
        for box in (*row.findChildren(QAbstractSpinBox), *row.findChildren(QComboBox), *row.findChildren(QSlider)):
            box.clearFocus()
            middle = QPointF(box.rect().center())
            none, nothing = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
            place = QPointF(box.mapToGlobal(box.rect().center()))
            turn = QWheelEvent(
                middle, place, QPoint(), QPoint(0, 120), none, nothing, Qt.ScrollPhase.NoScrollPhase, False
            )
            QApplication.sendEvent(box, turn)
    assert document.spec == before


def test_what_does_not_apply_is_disabled_and_advanced_is_folded(panel: EditPanel, document: Document) -> None:
    assert not panel.fields["tau"].isVisible()
    QTest.mouseClick(panel.advanced.button, LEFT)
    assert panel.fields["tau"].isVisible()
    assert panel.fields["qnerf.iterations"].isEnabled()
    document.set_spec(method="independent")
    assert not panel.fields["qnerf.iterations"].isEnabled()
    assert not panel.fields["diffusion.guidance.alpha"].isEnabled()
    assert panel.fields["diffusion.steps"].isEnabled()
    document.set_spec(method="qnerf")
    layers = child(panel.fields["diffusion.guidance.layers"], QLineEdit)
    type_into(layers, "2, 0 1")
    assert document.spec.diffusion.guidance.layers == (0, 1, 2)
    type_into(layers, "fine")
    assert layers.property("invalid")
    assert document.spec.diffusion.guidance.layers == (0, 1, 2)
    type_into(layers, "")
    assert document.spec.diffusion.guidance.layers is None


def test_edit_and_views_follow_the_document_and_change_it(panel: EditPanel, document: Document) -> None:
    box = child(panel, QComboBox, "edit_choice")
    box.setFocus()
    assert box.currentText() == "My pose, as in the viewport"
    for _ in range(box.findData("kick")):
        QTest.keyClick(box, Qt.Key.Key_Down)
    document.apply_edit("kick")
    assert box.currentText() == "Kick"
    assert document.edit_name == "kick"
    views = child(panel, QAbstractSpinBox, "views_count")
    assert views.text() == "24, all"
    type_into(views, "5")
    assert document.spec.views == 5
    assert views.text() == "5 of 24"
    document.set_spec(views=("000", "001"))
    assert views.text() == "2 of 24, chosen"
    assert wait_until(lambda: panel.edit_button.text() == "Edit 2 views")


def test_presets_are_saved_applied_and_deleted(panel: EditPanel, document: Document, home: Path) -> None:
    box = child(panel, QComboBox, "preset_choice")
    assert box.currentText() == "Standard"
    document.set_spec(seed=7, prompt="a clown", **{"diffusion.steps": 33})
    assert box.currentText() == "Own settings"
    panel.presets.save("Mine")
    assert box.currentText() == "Mine"
    panel.presets.apply("Draft")
    assert (document.spec.diffusion.steps, document.spec.tau, document.spec.seed) == (10, 3, 7)
    assert document.undo_stack.undoText() == "Apply preset Draft"
    document.undo_stack.undo()
    assert document.spec.diffusion.steps == 33
    assert document.spec.prompt == "a clown"
    stored = json.loads((home / PRESETS_FILE).read_text())["presets"]
    assert stored.keys() == {"Mine"}
    assert "prompt" not in stored["Mine"]
    QTest.mouseClick(child(panel, QToolButton, "preset_delete"), LEFT)
    assert box.currentText() == "Own settings"


def test_the_cost_is_said_before_the_start(
    panel: EditPanel, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cost() -> tuple[str, str, str]:
        panel._estimate()
        return tuple(child(panel, QLabel, f"cost_{name}").text() for name in ("time", "memory", "disk"))  # type: ignore[return-value]

    warning = child(panel, QLabel, "cost_warning")
    document.apply_edit("kick")
    whole = estimate.estimate_edit(document)
    assert cost()[0].startswith("about ")
    assert not warning.isVisible()
    # As measured: 227 s and 1,640 MB for this edit on two cores.
    assert 0.7 * 1640e6 < whole.memory < 1.3 * 1640e6
    document.set_spec(views=6, method="independent")
    fewer = estimate.estimate_edit(document)
    assert fewer.seconds < whole.seconds / 6
    assert fewer.bytes < whole.bytes / 3
    monkeypatch.setattr(estimate, "free_memory", lambda: 1_000_000)
    cost()
    assert warning.isVisible()
    assert "1 MB of memory are free" in warning.text()


def test_the_button_queues_the_settings_and_the_pose(panel: EditPanel, document: Document, queue: JobQueue) -> None:
    document.apply_edit("raise-arms")
    document.set_spec(views=2, seed=3)
    QTest.mouseClick(panel.queue_button, LEFT)
    pose = document.target_pose.replaced(translation=document.target_pose.translation + [0.1, 0.0, 0.0])
    document.set_target_pose(pose)
    QTest.mouseClick(panel.edit_button, LEFT)
    mine, named = queue.jobs
    assert (named.title, named.request["spec"]["edit"], named.request["spec"]["seed"]) == (
        "Raise arms",
        "raise-arms",
        3,
    )
    assert mine.title == "My pose"
    assert mine.request["spec"]["edit"] == str(mine.folder / "target_pose.json")
    assert parse_pose(mine.request["files"]["target_pose.json"], "").translation == pytest.approx(pose.translation)
    assert "source_pose.json" in mine.request["files"]
    assert not named.request["files"]
    assert mine.folder.parent == named.folder.parent == document.project.runs_folder  # type: ignore[union-attr]


def test_jobs_show_their_state_and_obey_their_buttons(document: Document, queue: JobQueue) -> None:
    panel = QueuePanel(queue)
    panel.resize(640, 500)
    panel.show()
    folder = Path("/nowhere")
    failure = {"title": "No room", "cause": "the disk is full", "next_step": "Free some", "details": "errno 28"}
    for name in ("a", "b", "c"):
        queue.add(Job(name, "edit", name, folder, {}))
    queue.add(Job("d", "edit", "d", folder, {}, "failed", failure=failure))
    rows = panel.rows
    QTest.mouseClick(rows["c"].up, LEFT)
    assert [job.id for job in queue.jobs] == ["a", "c", "b", "d"]
    settle()
    assert rows["c"].y() < rows["b"].y()
    QTest.mouseClick(rows["b"].pause, LEFT)
    assert rows["b"].state.text() == "Paused"
    assert child(panel, QToolButton, "queue_resume").isVisible()
    QTest.mouseClick(rows["b"].resume, LEFT)
    QTest.mouseClick(rows["a"].cancel, LEFT)
    assert "kept" in rows["a"].state.text()
    assert child(rows["d"], QLabel, "failure_title").text() == "No room"
    assert child(rows["d"], QLabel, "failure_reason").text() == "The disk is full. Free some."
    QTest.mouseClick(child(rows["d"], QPushButton, "copy"), LEFT)
    assert QApplication.clipboard().text() == "No room\nthe disk is full\nFree some\nerrno 28"
    QTest.mouseClick(rows["d"].retry, LEFT)
    queue.jobs[0].state = "running"
    queue.jobs[0].seconds_left, queue.jobs[0].fraction = 150.0, 0.4
    queue.jobUpdated.emit("a")
    queue.jobsChanged.emit()
    assert rows["a"].left.text() == "2 min left"
    assert rows["a"].bar.value() == 400
    assert panel.summary.text() == "1 running, 3 waiting"
    QTest.mouseClick(child(panel, QToolButton, "queue_pause"), LEFT)
    assert {job.state for job in queue.jobs[1:]} == {"paused"}
    panel.hide()
    queue.remove("b")
    panel.show()
    assert set(panel.rows) == {"a", "c", "d"}
    panel.close()
    panel.deleteLater()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_window_stays_smooth_while_an_edit_runs(open_window: OpenWindow) -> None:
    """With the built-in model in its child process; every stage passes."""
    window = open_window(project="person")
    document, queue = window.rooms.document, window.rooms.queue
    assert document is not None
    assert queue is not None
    document.apply_edit("raise-arms")
    document.set_spec(views=2, tau=1, **{"diffusion.steps": 4})
    panel = window.rooms.panels["edit"]
    assert isinstance(panel, EditPanel)
    watchdog = Watchdog(window)
    watchdog.start()
    panel.start()
    assert wait_until(lambda: bool(queue.jobs) and not queue.jobs[0].unfinished, 900)
    watchdog.stop()
    job = queue.jobs[0]
    assert job.state == "finished", job.failure
    assert RunFolder(job.folder).status == "finished"
    # What the thread itself computes is its own fault whatever else the machine does; waiting for a core is not.
    assert watchdog.longest_own < 100, f"and {watchdog.longest:.0f} ms by the clock"
