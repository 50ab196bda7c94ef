from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from app.document import posing
from app.document.document import Document
from app.document.opening import OpenedScene, open_scene
from app.panels import pose_thumbnails
from app.panels.fields import Fold
from app.panels.pose import PosePanel
from app.panels.value_row import RangeBar, ValueRow
from qnerf_core.body.surface import BodySurface
from tests.window.conftest import settle, wait_until

LEFT = Qt.MouseButton.LeftButton


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
def panel(document: Document) -> Iterator[PosePanel]:
    panel = PosePanel(document)
    panel.resize(340, 800)
    panel.show()
    assert QTest.qWaitForWindowExposed(panel)
    yield panel
    panel.close()
    panel.deleteLater()
    settle()


def _row(panel: PosePanel, name: str) -> ValueRow:
    row = panel.findChild(ValueRow, name)
    assert row is not None
    return row


def _type(row: ValueRow, text: str) -> None:
    row.box.setFocus()
    row.box.selectAll()
    QTest.keyClicks(row.box, text)
    QTest.keyClick(row.box, Qt.Key.Key_Return)


def _click(panel: PosePanel, name: str) -> None:
    button = panel.findChild(QWidget, name)
    assert button is not None
    assert button.isVisible()
    QTest.mouseClick(button, LEFT, pos=QPoint(12, button.height() // 2))


def _choose_pose(panel: PosePanel, name: str) -> QPoint:
    grid = panel.library.grid
    item = next(grid.item(row) for row in range(grid.count()) if grid.item(row).data(Qt.ItemDataRole.UserRole) == name)
    grid.scrollToItem(item)
    settle()
    place = grid.visualItemRect(item).center()
    QTest.mouseClick(grid.viewport(), LEFT, pos=place)
    return place


def _menu_action(panel: PosePanel, button: str, text: str) -> None:
    found = panel.findChild(QToolButton, button)
    assert found is not None
    next(action for action in found.menu().actions() if action.text() == text).trigger()


def test_an_angle_is_typed_and_ends_at_its_limit(document: Document, panel: PosePanel) -> None:
    document.select_joint("left_knee")
    row = _row(panel, "angleX")
    assert row.isVisible()
    _type(row, "45.5")
    assert posing.joint_angles(document.pose, "left_knee")[0] == pytest.approx(45.5)
    assert document.undo_stack.undoText() == "Turn left knee"
    _type(row, "-50")
    assert posing.joint_angles(document.pose, "left_knee")[0] == pytest.approx(-3.0)
    assert document.undo_stack.count() == 2
    document.undo_stack.undo()
    assert wait_until(lambda: row.box.value() == pytest.approx(45.5))


def test_the_bar_is_dragged_as_one_command(document: Document, panel: PosePanel) -> None:
    document.select_joint("right_elbow")
    bar = panel.findChild(RangeBar, "angleYBar")
    assert bar is not None
    settle()
    reached = []
    for end in (60, 80):
        QTest.mousePress(bar, LEFT, pos=QPoint(20, 10))
        for x in (30, 45, end):
            QTest.mouseMove(bar, QPoint(x, 10))
            QApplication.processEvents()
        QTest.mouseRelease(bar, LEFT, pos=QPoint(end, 10))
        reached.append(posing.joint_angles(document.pose, "right_elbow")[1])
    low, high = posing.joint_limits("right_elbow")[:, 1]
    assert low < reached[0] < reached[1] < high
    assert document.undo_stack.count() == 2
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert np.array_equal(document.pose.body_pose, document.source_pose.body_pose)


def test_the_joint_is_chosen_here_or_in_the_view_and_pinned(document: Document, panel: PosePanel) -> None:
    choice = panel.findChild(QComboBox, "jointChoice")
    hint = panel.findChild(QWidget, "jointHint")
    assert choice is not None
    assert hint is not None
    assert hint.isVisible()
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Down)
    assert document.selected_joint == "pelvis"
    assert not hint.isVisible()
    document.select_joint("left_hand")
    assert choice.currentText() == "Left hand"
    _click(panel, "pinJoint")
    assert document.pinned == {"left_hand"}
    document.undo_stack.undo()
    pin = panel.findChild(QToolButton, "pinJoint")
    assert pin is not None
    assert wait_until(lambda: not pin.isChecked())


def test_mirror_copy_and_reset_by_button(document: Document, panel: PosePanel) -> None:
    document.select_joint("left_elbow")
    _type(_row(panel, "angleY"), "-90")
    _click(panel, "mirrorPose")
    assert posing.joint_angles(document.pose, "right_elbow")[1] == pytest.approx(90.0)
    _menu_action(panel, "mirrorPose", "Copy right side to left")
    assert posing.joint_angles(document.pose, "left_elbow")[1] == pytest.approx(-90.0)
    _click(panel, "resetJoint")
    assert document.undo_stack.undoText() == "Reset left elbow"
    _menu_action(panel, "resetJoint", "Reset whole pose")
    assert np.array_equal(document.pose.body_pose, document.source_pose.body_pose)
    document.select_joint("right_elbow")
    document.undo_stack.undo()
    _menu_action(panel, "resetJoint", "Reset right arm")
    assert document.undo_stack.undoText() == "Reset right arm"


def test_a_pose_of_the_library_is_applied_whole_or_in_part(document: Document, panel: PosePanel) -> None:
    place = _choose_pose(panel, "squat")
    assert document.undo_stack.count() == 0
    QTest.mouseDClick(panel.library.grid.viewport(), LEFT, pos=place)
    assert document.undo_stack.undoText() == "Apply squat"
    _choose_pose(panel, "wave")
    _menu_action(panel, "applyPose", "Apply to right arm")
    assert document.undo_stack.undoText() == "Apply wave to right arm"
    _choose_pose(panel, "raise-arms")
    _click(panel, "applyPose")
    assert document.edit_name == "raise-arms"


def test_a_pose_is_saved_under_a_name_and_deleted(document: Document, panel: PosePanel) -> None:
    notices: list[str] = []
    document.noticePosted.connect(lambda title, _text: notices.append(title))
    document.set_joint_angles("left_elbow", np.array([0.0, -80.0, 0.0]))
    _click(panel, "savePose")
    name = panel.findChild(QLineEdit, "poseName")
    assert name is not None
    assert name.isVisible()
    for text, works in (("../mine", False), ("squat", False), ("my pose", True)):
        name.selectAll()
        QTest.keyClicks(name, text)
        QTest.keyClick(name, Qt.Key.Key_Return)
        assert ("my pose" in document.library.names()) == works
    assert len(notices) == 2
    assert not name.isVisible()
    delete = panel.findChild(QToolButton, "deletePose")
    assert delete is not None
    _choose_pose(panel, "squat")
    assert not delete.isEnabled()
    _choose_pose(panel, "my pose")
    _click(panel, "deletePose")
    assert "my pose" not in document.library.names()


def test_pictures_of_poses_are_drawn_once_and_kept(
    document: Document, panel: PosePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = panel.library.grid

    def shades(of: PosePanel) -> list[np.ndarray | None]:
        grid = of.library.grid
        return [grid.item(row).data(Qt.ItemDataRole.UserRole + 2) for row in range(grid.count())]

    assert wait_until(lambda: all(shade is not None for shade in shades(panel)))
    shares = [np.count_nonzero(shade) / np.size(shade) for shade in shades(panel) if shade is not None]
    # A body fills some of every picture, and never reaches its upper corners.
    assert 0.05 < min(shares) < max(shares) < 0.5
    assert grid.count() == len(document.edit_names) + len(
        [name for name in document.library.names() if name not in document.edit_names]
    )

    def draw_again(*_arguments: object) -> np.ndarray:
        raise AssertionError("it was drawn before")

    monkeypatch.setattr(pose_thumbnails, "_drawn", draw_again)
    other = PosePanel(document)
    other.show()
    assert wait_until(lambda: all(shade is not None for shade in shades(other)))
    other.close()
    other.deleteLater()


def test_shape_and_place_are_folded_and_say_what_they_do(document: Document, panel: PosePanel) -> None:
    for name in ("shape", "placement"):
        assert not panel.folds[name].body.isVisible()
        QTest.mouseClick(panel.folds[name].button, LEFT)
        assert panel.folds[name].body.isVisible()
    QTest.mouseClick(panel.folds["library"].button, LEFT)
    settle()
    height = np.ptp(document.body.vertices(document.pose)[:, 2])
    _type(_row(panel, "shape0"), "1.5")
    assert np.ptp(document.body.vertices(document.pose)[:, 2]) > height + 0.1
    steps = document.undo_stack.count()
    knees = document.body.joints(document.pose)[4:6, 2]
    parts = panel.findChild(Fold, "proportions")
    assert parts is not None
    QTest.mouseClick(parts.button, LEFT)
    _type(_row(panel, "proportion_shins"), "1.4")
    assert (document.body.joints(document.pose)[4:6, 2] > knees + 0.1).all(), "it stands on longer shins"
    assert document.undo_stack.count() == steps + 1
    _type(_row(panel, "placeTurn"), "90")
    _type(_row(panel, "placeX"), "0.5")
    np.testing.assert_allclose(document.placement[[0, 2, 3]], [0.5, 0.0, 90.0], atol=1e-4)
    _click(panel, "plantFeet")
    assert not document.plant_feet
    again = PosePanel(document)
    assert not again.folds["placement"].body.isHidden()
    assert again.folds["library"].body.isHidden()
    again.deleteLater()


def test_source_and_target_are_told_apart(document: Document, panel: PosePanel) -> None:
    document.select_joint("head")
    _click(panel, "posedSource")
    assert document.posed == "source"
    _type(_row(panel, "angleX"), "12")
    assert posing.joint_angles(document.source_pose, "head")[0] == pytest.approx(12.0)
    assert document.undo_stack.undoText().endswith("(source)")
    _click(panel, "posedTarget")
    assert wait_until(lambda: _row(panel, "angleX").box.value() != pytest.approx(12.0))
    _click(panel, "showBoth")
    assert document.show_both


def test_the_fields_follow_a_drag(document: Document, panel: PosePanel) -> None:
    document.select_joint("left_elbow")
    before = _row(panel, "angleY").box.value()
    document.begin_drag("Move left wrist")
    document.drag_joint("left_wrist", document.body.joints(document.pose)[20] + [-0.1, -0.2, 0.3])
    assert wait_until(lambda: _row(panel, "angleY").box.value() != before)
    document.cancel_drag()
    assert wait_until(lambda: _row(panel, "angleY").box.value() == before)


def test_at_most_ten_plain_controls_and_each_says_what_it_does(document: Document, panel: PosePanel) -> None:
    document.select_joint("left_shoulder")
    settle()
    kinds = (QAbstractSpinBox, QComboBox, QCheckBox, QPushButton, QToolButton, QAbstractItemView, RangeBar)
    controls = [widget for kind in kinds for widget in panel.findChildren(kind)]
    plain = [widget for widget in controls if widget.isVisible() and not isinstance(widget, QToolButton | RangeBar)]
    assert len(plain) <= 10
    for widget in controls:
        holder: QWidget | None = widget
        while holder is not None and not holder.toolTip() and holder is not panel:
            holder = holder.parentWidget()
        assert (holder is not None and holder.toolTip()) or widget.inherits("QComboBoxPrivateContainer"), (
            widget.objectName() or type(widget).__name__
        )


def test_without_a_pose_to_shape_it_says_so(document: Document, panel: PosePanel, opened: OpenedScene) -> None:
    assert opened.capture is not None
    document.start_project(replace(opened, capture=replace(opened.capture, control="depth")))
    assert panel.empty.isVisible()
    assert "depth proxy" in panel.empty.text()
    document.close_project()
    assert "Open a capture" in panel.empty.text()
