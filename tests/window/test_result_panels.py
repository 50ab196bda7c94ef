from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication

from app.document.document import Document
from app.panels.export import ExportPanel
from app.panels.nerf_pair import COARSE
from app.panels.orbit import Orbit
from app.panels.result import FIELD, ORIGINALS_FOLDER, ResultPanel
from qnerf_core import files
from qnerf_core.scene.camera import Camera
from tests.window.gallery_runs import FakeQueue, FakeRun, finished_run
from tests.window.gallery_tools import drag, turn_wheel, wait_for


class FakeClient(QObject):
    """Renders nothing: a test says when a picture is there."""

    nerfReady = Signal(str, object, int)
    nerfFinished = Signal(str)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Camera, int]] = []

    def render_nerf(self, path: str | Path, camera: Camera, size: int) -> None:
        self.asked.append((str(path), camera, size))

    def answer(self, colour: int) -> None:
        path, _, size = self.asked[-1]
        self.nerfReady.emit(path, np.full((size, size, 3), colour, np.uint8), 0)
        self.nerfFinished.emit(path)


@pytest.fixture
def run(document: Document) -> FakeRun:
    assert document.project is not None
    return finished_run(document.project.runs_folder / "run", views=2, intervals=2)


@pytest.fixture
def queue(qapp: QApplication) -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def client(qapp: QApplication) -> FakeClient:
    return FakeClient()


@pytest.fixture
def result(document: Document, queue: FakeQueue, client: FakeClient, run: FakeRun) -> ResultPanel:
    panel: ResultPanel = ResultPanel(document, queue, client)  # type: ignore[arg-type]
    return _shown(panel)


def _shown(panel: Any) -> Any:
    panel.resize(360, 560)
    panel.show()
    assert QTest.qWaitForWindowExposed(panel)
    return panel


def _make_fields(document: Document, run: FakeRun) -> tuple[Path, Path]:
    assert document.project is not None
    before, after = document.project.folder / ORIGINALS_FOLDER, run.path / "export" / "nerf"
    for folder in (before, after):
        folder.mkdir(parents=True)
        (folder / FIELD).write_bytes(b"field")
    return before, after


def test_both_fields_come_coarse_first_and_turn_together(
    result: ResultPanel, document: Document, client: FakeClient, run: FakeRun
) -> None:
    before, after = _make_fields(document, run)
    result.set_run(run.path)
    wait_for(lambda: client.asked)
    for colour in (10, 20):
        client.answer(colour)
    assert [(path, size) for path, _, size in client.asked[:2]] == [(str(before), COARSE), (str(after), COARSE)]
    assert client.asked[2][2] > COARSE
    for name, colour in (("before", 10), ("after", 20)):
        image = result.panes[name].image
        assert image is not None
        assert image.pixelColor(5, 5).red() == colour
    first = client.asked[0][1]
    scene = document.scene
    assert scene is not None
    view = scene.view(document.current_view or "")
    assert np.array_equal(first.camera_to_world, view.camera.camera_to_world)
    pane = result.panes["after"]
    QTest.mousePress(pane, Qt.MouseButton.LeftButton, pos=QPoint(40, 60))
    QTest.mouseMove(pane, QPoint(70, 60))
    assert client.asked[-1][2] == COARSE
    client.answer(30)
    client.answer(40)
    count = len(client.asked)
    assert client.asked[-2][1] is client.asked[-1][1], "one camera for both"
    assert not np.allclose(client.asked[-1][1].position, first.position)
    assert count == 5, "fine pictures wait until the mouse is let go"
    QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=QPoint(70, 60))
    assert client.asked[-1][2] > COARSE


def test_a_moving_camera_does_not_take_away_a_coarse_picture(
    result: ResultPanel, document: Document, client: FakeClient, run: FakeRun
) -> None:
    _make_fields(document, run)
    result.set_run(run.path)
    wait_for(lambda: client.asked)
    for place in (50, 60, 70, 80):
        drag(result.panes["after"], QPoint(40, 60), QPoint(place, 70), 1)
    assert len(client.asked) == 1
    client.answer(5)
    assert np.array_equal(client.asked[1][1].camera_to_world, result.pair._camera.camera_to_world)  # type: ignore[union-attr]
    turn_wheel(result.panes["after"], QPoint(40, 40), 2)
    assert result._orbit is not None
    assert result._orbit.distance < 20


def test_what_is_missing_can_be_made(result: ResultPanel, document: Document, queue: FakeQueue, run: FakeRun) -> None:
    assert result.empty.isVisible()
    result.set_run(run.path)
    wait_for(lambda: result.make_before.isVisible() and result.make_after.isVisible())
    QTest.mouseClick(result.make_after, Qt.MouseButton.LeftButton)
    QTest.mouseClick(result.make_before, Qt.MouseButton.LeftButton)
    assert [(job.kind, job.request) for job in queue.jobs] == [
        ("export", {"run": str(run.path), "parts": ["nerf"]}),
        ("fit", {"source": "person"}),
    ]
    wait_for(lambda: not result.make_after.isEnabled() and not result.make_before.isEnabled())
    assert "Result: in the queue" in result.work.text()


def test_figures_are_shown_where_the_run_was_measured(result: ResultPanel, run: FakeRun) -> None:
    figures = {"psnr_truth": 16.5481, "silhouette_iou": 0.544, "kid": None, "source": {"psnr_truth": 14.65}}
    files.write_json(run.path / "evaluation.json", figures)
    result.set_run(run.path)
    wait_for(lambda: result.figures.rows)
    assert result.figures.rows == {"psnr_truth": ("16.55 dB", "14.65 dB"), "silhouette_iou": ("0.544", "-")}
    files.write_json(run.path / "evaluation.json", ["damaged"])
    result.refresh()
    wait_for(lambda: result.unmeasured.isVisible())


def test_an_orbit_starts_at_its_camera_and_keeps_looking_at_its_target(document: Document) -> None:
    scene = document.scene
    assert scene is not None
    for view in scene.views[::7]:
        orbit = Orbit.of(view.camera, np.array([0.0, 0.0, 1.0]))
        assert np.allclose(orbit.camera().camera_to_world, view.camera.camera_to_world, atol=0.02)
        turned = orbit.turned(1.0, 0.3).zoomed(1.5)
        pixels, depth = turned.camera().project(turned.target)
        assert pixels == pytest.approx([turned.template.cx, turned.template.cy], abs=1e-6)
        assert depth == pytest.approx(orbit.distance / 1.5)


def test_parts_are_exported_shown_and_used_as_a_source(document: Document, queue: FakeQueue, run: FakeRun) -> None:
    panel: ExportPanel = _shown(ExportPanel(document, queue))  # type: ignore[arg-type]
    assert panel.empty.isVisible()
    panel.set_run(run.path)
    wait_for(lambda: panel.rows["mesh"].button.isEnabled())
    QTest.mouseClick(panel.rows["images"].button, Qt.MouseButton.LeftButton)
    job = queue.jobs[0]
    assert (job.folder, job.request["parts"]) == (run.path / "export", ["images"])
    assert panel.rows["images"].bar.isVisible()
    job.state, job.stage, job.fraction = "running", "Writing the pictures", 0.4
    queue.jobUpdated.emit(job.id)
    assert panel.rows["images"].bar.value() == 400
    assert panel.rows["images"].text.text() == "Writing the pictures"
    QTest.mouseClick(panel.everything, Qt.MouseButton.LeftButton)
    assert queue.jobs[1].request["parts"] == ["mesh", "nerf", "turntable"], "what is being made is not asked for again"
    QTest.mouseClick(panel.rows["mesh"].cancel, Qt.MouseButton.LeftButton)
    assert queue.jobs[1].state == "cancelled"
    files.write_json(run.path / "export" / "dataset" / "transforms.json", {})
    job.state = "finished"
    queue.jobUpdated.emit(job.id)
    wait_for(lambda: panel.rows["images"].source.isVisible())
    asked = QSignalSpy(panel.sourceRequested)
    QTest.mouseClick(panel.rows["images"].source, Qt.MouseButton.LeftButton)
    assert asked.at(0)[0] == run.path / "export" / "dataset"


def test_a_failed_export_says_what_to_do_and_an_unfinished_run_has_none(
    document: Document, queue: FakeQueue, run: FakeRun, tmp_path: Path
) -> None:
    panel: ExportPanel = _shown(ExportPanel(document, queue))  # type: ignore[arg-type]
    job = queue.put("export", run.path / "export", {"parts": ["mesh"]}, "failed")
    job.failure = {"title": "There is no surface", "cause": "", "next_step": "Train longer"}
    panel.set_run(run.path)
    wait_for(lambda: panel.rows["mesh"].button.isEnabled())
    assert panel.rows["mesh"].text.text() == "There is no surface. Train longer"
    unfinished = FakeRun(tmp_path / "unfinished").start()
    panel.set_run(unfinished.path)
    QTest.qWait(400)
    assert not any(row.button.isEnabled() for row in panel.rows.values())
