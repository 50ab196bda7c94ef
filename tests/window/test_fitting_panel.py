"""Joints are clicked in the photos, and the body is fitted to them: real mouse, real keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest

from app.document.keypointed import CLICK_ORDER
from app.panels.fitting import FitSection
from app.viewport.tools_keypoints import KeypointOverlay
from app.viewport.viewport import Viewport
from qnerf_core.body.keypoints import KEYPOINTS, Sighting
from qnerf_core.evaluation.body_fitting import true_keypoints
from tests.window.conftest import wait_until
from tests.window.viewport_hands import LEFT, NOTHING, at, click, key, look, opened

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def viewport() -> Iterator[Viewport]:
    with opened("statue") as view:
        yield view


@pytest.fixture
def section(viewport: Viewport) -> Iterator[FitSection]:
    panel = FitSection(viewport.document)
    panel.resize(320, 520)
    panel.show()
    assert QTest.qWaitForWindowExposed(panel)
    yield panel
    panel.close()
    panel.deleteLater()


def _pixel(viewport: Viewport, place: np.ndarray) -> np.ndarray:
    return viewport.current_camera().project(place)[0]


def test_clicks_fit_the_body(viewport: Viewport, section: FitSection) -> None:
    document = viewport.document
    truth = document.source_pose
    places = dict(zip(KEYPOINTS, true_keypoints(document.body, truth), strict=True))
    # The body stands somewhere else, as if nothing were known.
    document.set_source_pose(truth.replaced(translation=truth.translation + np.array([0.5, 0.3, 0.2])))
    steps = document.undo_stack.count()
    QTest.mouseClick(section.click, LEFT)
    assert document.is_clicking
    assert document.looking_through
    names = [view.name for view in document.scene.views] if document.scene else []
    for name in (names[0], names[8], names[21]):
        document.set_current_view(name, True)
        look(viewport)
        for keypoint in CLICK_ORDER[:17]:
            document.choose_keypoint(keypoint)
            QTest.mouseClick(viewport, LEFT, NOTHING, at(_pixel(viewport, places[keypoint])))
    assert len(document.keypoints) == 3 * 17
    assert document.undo_stack.count() == steps + 3 * 17
    assert document.undo_stack.undoText() == "Click right foot"
    QTest.mouseClick(section.fit, LEFT)
    assert wait_until(lambda: not section.fitter.is_working and document.fit is not None, 60)
    off = np.linalg.norm(document.body.joints(document.source_pose) - document.body.joints(truth), axis=1)
    # A pixel of this viewport is about a third of one of the photo.
    assert off.mean() < 0.02
    assert document.undo_stack.undoText() == "Fit body to the photos"
    section.show_values()
    assert section.list.topLevelItem(0).text(1) == "3"
    assert section.list.topLevelItem(0).text(2).endswith("%")
    assert "pixels off" in section.told.text()
    document.undo_stack.undo()
    assert document.fit is None
    np.testing.assert_allclose(document.source_pose.translation, truth.translation + np.array([0.5, 0.3, 0.2]))
    assert len(document.keypoints) == 3 * 17


def test_keys_choose_remove_and_leave(viewport: Viewport, section: FitSection) -> None:
    document = viewport.document
    QTest.mouseClick(section.click, LEFT)
    viewport.setFocus()
    QCoreApplication.processEvents()
    look(viewport)
    middle = np.array([viewport.width(), viewport.height()]) / 2
    assert document.current_keypoint == CLICK_ORDER[0]
    click(viewport, middle)
    first = document.keypoints.sightings[0]
    assert first.keypoint == CLICK_ORDER[0]
    assert document.current_keypoint == CLICK_ORDER[1]
    key(viewport, Qt.Key.Key_Tab)
    assert document.current_keypoint == CLICK_ORDER[2]
    key(viewport, Qt.Key.Key_Tab, Qt.KeyboardModifier.ShiftModifier)
    key(viewport, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert document.current_keypoint == CLICK_ORDER[0]
    key(viewport, Qt.Key.Key_Delete)
    assert not len(document.keypoints)
    document.undo_stack.undo()
    assert document.keypoints.sightings == (first,)
    key(viewport, Qt.Key.Key_Escape)
    assert not document.is_clicking
    assert document.looking_through
    assert viewport.tools.can_pose


def test_a_click_is_the_pixel_of_the_photo_that_it_points_at(viewport: Viewport) -> None:
    document = viewport.document
    assert document.scene is not None
    view = document.scene.views[5]
    document.set_clicking(True)
    document.set_current_view(view.name, True)
    look(viewport)
    wanted = np.array([70.5, 190.5])
    place = _pixel(viewport, view.camera.unproject(wanted, np.float64(2.0)))
    click(viewport, place)
    found = document.keypoints.sightings[0]
    assert (found.x, found.y) == pytest.approx(tuple(wanted), abs=0.5)
    click(viewport, np.array([3.0, 300.0]))
    assert len(document.keypoints) == 1, "beside the photo there is nothing to click"


def test_other_photos_show_where_the_joint_must_lie(viewport: Viewport) -> None:
    document = viewport.document
    assert document.scene is not None
    place = document.body.joints(document.source_pose)[16]
    views = [document.scene.views[index] for index in (0, 6, 12)]
    document.set_clicking(True)
    for view in views[:2]:
        x, y = view.camera.project(place)[0].tolist()
        document.choose_keypoint("left_shoulder")
        document.click_keypoint(view.name, np.array([x, y]))
    document.choose_keypoint("left_shoulder")
    document.set_current_view(views[2].name, True)
    look(viewport)
    overlay = KeypointOverlay.of(viewport.desk, viewport.current_camera())
    assert overlay is not None
    expected = _pixel(viewport, place)
    assert len(overlay.lines) == 2
    for line in overlay.lines:
        start, along = line[:-1], np.diff(line, axis=0)
        share = np.clip(((expected - start) * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
        assert np.linalg.norm(start + share[:, None] * along - expected, axis=1).min() < 1.5
    guesses = dict(overlay.guesses)
    assert np.linalg.norm(guesses["left_shoulder"] - expected) < 1.5


def test_a_wrong_click_is_marked(viewport: Viewport, section: FitSection) -> None:
    document = viewport.document
    assert document.scene is not None
    places = true_keypoints(document.body, document.source_pose)
    for view in document.scene.views[::6]:
        for name, place in zip(KEYPOINTS, places, strict=True):
            x, y = view.camera.project(place)[0].tolist()
            x += 40 * (name == "left_knee" and view is document.scene.views[6])
            document.take_found([*document.keypoints, Sighting(view.name, name, x, y, 1.0, "net")])
    document.choose_keypoint("left_knee")
    section.fitter.fit()
    assert wait_until(lambda: not section.fitter.is_working and document.fit is not None, 60)
    section.show_values()
    row = next(
        section.list.topLevelItem(index)
        for index in range(section.list.topLevelItemCount())
        if section.list.topLevelItem(index).text(0) == "Left knee"
    )
    colours = {row.child(index).text(0): row.child(index).foreground(2).color().name() for index in range(6)}
    wrong = document.scene.views[6].name
    assert colours.pop(wrong) not in colours.values()
    assert "1 of the clicks left out" in section.told.text()


def test_a_cancelled_fit_changes_nothing(viewport: Viewport, section: FitSection) -> None:
    document = viewport.document
    assert document.scene is not None
    places = true_keypoints(document.body, document.source_pose)
    document.take_found(
        Sighting(view.name, name, *view.camera.project(place)[0].tolist(), 1.0, "net")
        for view in document.scene.views
        for name, place in zip(KEYPOINTS, places, strict=True)
    )
    before, steps = document.source_pose, document.undo_stack.count()
    section.fitter.fit()
    QCoreApplication.processEvents()
    assert section.working.cancel.isVisible()
    assert not section.fit.isEnabled()
    QTest.mouseClick(section.working.cancel, LEFT)
    assert section.working.bar.text() == "Stopping ..."
    assert not section.working.cancel.isEnabled()
    assert wait_until(lambda: not section.fitter.is_working, 60)
    assert document.source_pose is before
    assert document.undo_stack.count() == steps
    assert section.working.isHidden()


def test_too_few_clicks_say_what_to_do_and_a_project_keeps_them(
    viewport: Viewport, section: FitSection, tmp_path: Path
) -> None:
    document = viewport.document
    assert document.scene is not None
    document.click_keypoint(document.scene.views[0].name, np.array([100.0, 100.0]))
    section.save(tmp_path / "k.json")
    before = document.keypoints
    document.clear_keypoints()
    section.load(tmp_path / "k.json")
    assert document.keypoints == before
    document.save_as(tmp_path / "project")
    folder = document.project.folder if document.project else tmp_path
    document.close_project()
    document.open_project(folder)
    assert document.keypoints == before
