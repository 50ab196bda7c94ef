from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QPushButton

from app.panels.capture import CaptureDialog
from app.window import MainWindow
from qnerf_core import files
from qnerf_core.scene.capture_settings import read_settings
from tests.scene.captures import edit_frame, write_capture
from tests.window.conftest import OpenWindow, settle, wait_until
from tests.window.test_shell_files import drop

LEFT = Qt.MouseButton.LeftButton


def dialog_of(window: MainWindow) -> CaptureDialog:
    assert wait_until(lambda: any(dialog.isVisible() for dialog in window.findChildren(CaptureDialog)))
    settle()
    return next(dialog for dialog in window.findChildren(CaptureDialog) if dialog.isVisible())


def click(dialog: CaptureDialog, name: str) -> None:
    button = dialog.findChild(QPushButton, name)
    assert button is not None
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT)


def broken(folder: Path) -> dict[Path, bytes]:
    write_capture(folder, masks=False, heldout=())
    damaged = folder / "images" / "001.png"
    damaged.write_bytes(damaged.read_bytes()[:200])
    matrix = np.array(read_matrix(folder, 2))
    matrix[:3, 0] *= 1.2
    edit_frame(folder, 2, transform_matrix=matrix.tolist())
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def read_matrix(folder: Path, index: int) -> list[list[float]]:
    matrix: list[list[float]] = files.read_json(folder / "transforms.json")["frames"][index]["transform_matrix"]
    return matrix


def test_a_damaged_capture_is_repaired_by_buttons_and_opened(
    qapp: QApplication, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = open_window()
    folder = tmp_path / "toy"
    before = broken(folder)
    drop(window, folder)
    dialog = dialog_of(window)
    assert dialog.report is not None
    assert len(dialog.report.errors) == 2
    assert not dialog.open_it.isEnabled()
    buttons = [button.text() for button in dialog.problems.findChildren(QPushButton, "captureRepair")]
    assert buttons == ["Correct the rotations", "Skip images/001.png"]
    click(dialog, "captureRepair")
    assert wait_until(lambda: not dialog.is_busy)
    assert read_settings(folder).orthonormalise
    click(dialog, "captureRepairAll")
    assert wait_until(lambda: not dialog.is_busy)
    assert dialog.open_it.isEnabled()
    stands = dialog.findChild(QComboBox, "captureFrame")
    assert stands is not None
    stands.setFocus()
    QTest.keyClick(stands, Qt.Key.Key_End)
    assert wait_until(lambda: not dialog.is_busy)
    assert read_settings(folder).frame.mode == "find"
    click(dialog, "captureOpen")
    document = window.rooms.document
    assert document is not None
    assert wait_until(lambda: document.scene is not None)
    settle()
    assert document.scene is not None
    assert [view.name for view in document.scene.views] == ["000", "002", "003"]
    assert abs(document.source_pose.translation[:2]).max() < 0.2, "it stands over the origin"
    assert {path: path.read_bytes() for path in before} == before
    window.capture.report()
    again = dialog_of(window)
    assert again.path == folder
    assert wait_until(lambda: not again.is_busy)
    click(again, "captureClose")


def test_the_search_for_cameras_can_be_cancelled(qapp: QApplication, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window()
    folder = tmp_path / "photos"
    random = np.random.default_rng(0)
    for index in range(8):
        files.write_image(folder / f"{index}.jpg", random.integers(0, 256, (600, 800, 3), dtype=np.uint8))
    drop(window, folder)
    dialog = dialog_of(window)
    assert not dialog.open_it.isEnabled()
    click(dialog, "captureFind")
    assert dialog.is_busy
    assert wait_until(dialog.cancel.isVisible)
    click(dialog, "captureCancel")
    assert wait_until(lambda: not dialog.is_busy and dialog.finder.isEnabled())
    assert dialog.matched is None
    click(dialog, "captureClose")
