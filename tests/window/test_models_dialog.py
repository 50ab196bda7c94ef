from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from app.model_store import model_store
from app.panels.edit_target import ModelChoice
from app.panels.models import ModelsDialog
from tests.tiny_models import sd15_like
from tests.window.conftest import wait_until

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def model() -> Path:
    # Made before the window is watched for what it leaves behind.
    return sd15_like()


@pytest.fixture
def dialog(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelsDialog]:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    dialog = ModelsDialog()
    dialog.show()
    yield dialog
    dialog.close()
    dialog.deleteLater()


def test_a_model_is_added_offered_verified_and_deleted(model: Path, dialog: ModelsDialog, tmp_path: Path) -> None:
    folder = tmp_path / "sd15"
    shutil.copytree(model, folder)
    choice = ModelChoice()
    assert "No model is here yet" in dialog.details.text()
    dialog.add(str(folder))
    assert dialog.list.count() == 1
    choice.refresh()
    assert choice.box.itemData(choice.box.findText("sd15")) == str(folder)
    QTest.mouseClick(dialog.verify, LEFT)
    assert dialog.stop.isVisible()
    assert wait_until(lambda: "9 query layers" in dialog.details.text() or "cannot" in dialog.details.text())
    assert "9 query layers: 3 of 64 channels" in dialog.details.text()
    assert model_store().get("sd15").verified is not None
    QTest.mouseClick(dialog.delete, LEFT)
    answer = dialog.findChild(QPushButton, "answer Delete")
    assert answer is not None
    QTest.mouseClick(answer, LEFT)
    assert wait_until(lambda: dialog.list.count() == 0)
    assert folder.is_dir()
    choice.refresh()
    assert choice.box.findText("sd15") < 0
    choice.deleteLater()


def test_what_cannot_be_used_is_told(dialog: ModelsDialog, tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"\x80")
    dialog.add(str(tmp_path / "model.ckpt"))
    assert "pickle" in dialog.details.text()
    dialog.repository.setText("nowhere at all")
    QTest.mouseClick(dialog.download, LEFT)
    assert wait_until(lambda: "Cannot download" in dialog.details.text())
    assert dialog.download.isEnabled()
