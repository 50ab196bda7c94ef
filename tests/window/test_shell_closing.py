from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from app.job_state import Job
from app.shell import session
from app.shell.closing import DISCARD, KEEP, LATER, SAVE
from app.window import MainWindow
from qnerf_core import files
from tests.window.conftest import OpenWindow, settle, wait_until

ROOT = Path(__file__).resolve().parents[2]


def question() -> QWidget | None:
    found = [w for w in QApplication.topLevelWidgets() if w.objectName() == "question" and w.isVisible()]
    return found[0] if found else None


def answer(text: str) -> None:
    dialog = question()
    assert dialog is not None
    button = dialog.findChild(QPushButton, f"answer {text}")
    assert isinstance(button, QPushButton), text
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    settle()


def changed(window: MainWindow) -> Path:
    document = window.rooms.document
    assert document is not None
    assert document.project is not None
    document.apply_library_pose("kick")
    settle()
    return document.project.folder


def test_closing_asks_about_changes(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    folder = changed(window)
    window.close()
    assert window.isVisible()
    window.close()
    answer(KEEP)
    assert window.isVisible()
    assert question() is None
    before = (folder / "project.json").read_bytes()
    window.close()
    answer(SAVE)
    assert wait_until(lambda: not window.isVisible())
    assert (folder / "project.json").read_bytes() != before
    assert not (folder / "autosave.json").exists()


def test_changes_can_be_left_unsaved(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    folder = changed(window)
    before = (folder / "project.json").read_bytes()
    window.close()
    answer(DISCARD)
    assert wait_until(lambda: not window.isVisible())
    assert (folder / "project.json").read_bytes() == before


def test_without_changes_nothing_is_asked(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    window.close()
    assert question() is None
    assert not window.isVisible()


def test_another_project_asks_too(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    folder = changed(window)
    window.file.new()
    answer(KEEP)
    assert window.rooms.document is not None
    assert window.rooms.document.project is not None
    window.file.new()
    answer(SAVE)
    assert window.rooms.document.project is None
    window.file.open_path(folder)
    assert wait_until(lambda: window.rooms.document.project is not None)  # type: ignore[union-attr]
    assert window.rooms.document.project.folder == folder
    assert not window.rooms.document.is_modified


def test_a_running_job_asks_and_can_be_waited_for(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    queue = window.rooms.queue
    assert queue is not None
    job = Job("1", "edit", "Raise arms", Path("runs/1"), {}, state="running", fraction=0.4, seconds_left=90.0)
    queue.jobs.append(job)
    queue.jobsChanged.emit()
    assert wait_until(lambda: window.status.findChild(QWidget, "statusJob").isVisible())  # type: ignore[union-attr]
    window.close()
    assert window.isVisible()
    answer(LATER)
    assert window.closing.waits_for_job
    assert window.isVisible()
    job.state = "finished"
    queue.jobsChanged.emit()
    assert wait_until(lambda: not window.isVisible())


def test_a_dead_engine_does_not_hold_up_the_closing(qapp: QApplication, open_window: OpenWindow) -> None:
    window = open_window(project="person")
    queue, document = window.rooms.queue, window.rooms.document
    assert queue is not None
    assert document is not None
    document.apply_edit("kick")
    document.save()
    queue.submit_edit(document)
    assert wait_until(lambda: queue.worker.engine_pid is not None)
    pid = queue.worker.engine_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    window.closing.agree()
    start = time.monotonic()
    window.close()
    assert time.monotonic() - start < 10.0
    assert not window.isVisible()
    assert wait_until(lambda: not psutil.pid_exists(pid))


def test_a_crash_is_told_once(qapp: QApplication, open_window: OpenWindow, home: Path) -> None:
    window = open_window(project="person")
    folder = changed(window)
    window.close()
    answer(SAVE)
    sessions = home / "sessions"
    assert list(sessions.glob("*.json")) == []
    files.write_json(sessions / "999999.json", {"pid": 999999, "started": 1.0, "project": str(folder)})
    again = open_window()
    notice = again.notice_bar.notice
    assert notice is not None
    assert notice.title == "The program ended unexpectedly last time"
    opener = next(b for b in again.notice_bar.findChildren(QPushButton) if b.text() == "Open it")
    QTest.mouseClick(opener, Qt.MouseButton.LeftButton)
    assert wait_until(lambda: again.rooms.document.project is not None)  # type: ignore[union-attr]
    assert session.crashes() == []


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, id="terminated"),
        pytest.param(signal.SIGINT, id="interrupted", marks=pytest.mark.slow),
    ],
)
def test_the_program_starts_without_torch_and_ends_on_a_signal(home: Path, number: signal.Signals) -> None:
    code = (
        "import sys\n"
        "from app.launch import main\n"
        "code = main([])\n"
        "print('torch' in sys.modules, 'diffusers' in sys.modules, 'vtkmodules' in sys.modules, code)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    sessions = home / "sessions"
    deadline = time.monotonic() + 120
    # The session is marked when the document is there, that is, after the window.
    while not list(sessions.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.0)
    child.send_signal(number)
    shown, _ = child.communicate(timeout=120)
    assert shown.split()[:2] == ["False", "False"]
    assert shown.split()[3] == "0"
    assert child.returncode == 0
    assert list(sessions.glob("*.json")) == []
