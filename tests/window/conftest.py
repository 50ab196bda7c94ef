"""Every window test has its own settings and data folder, and leaves nothing running behind."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QThread, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox

from app.document.document import Document
from app.shell import display, settings
from app.shell.application import make_application
from app.shell.commands_help import TOUR_SEEN
from app.shell.log import LogLines
from app.shell.notices import notices
from app.shell.rooms import MODULES
from app.shell.start import keep_for_good
from app.window import MainWindow

OpenWindow = Callable[..., MainWindow]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    problem = display.problem()
    if problem is None:
        return
    reason = problem.splitlines()[0] + " Run the tests with `make test`, which brings a display."
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> QApplication:
    """The one QApplication of the process; tests use `qapp`."""
    folder = tmp_path_factory.mktemp("home")
    os.environ["QNERF_HOME"] = str(folder)
    existing = QApplication.instance()
    result = existing if isinstance(existing, QApplication) else make_application(["qnerf-studio"])
    result.setQuitOnLastWindowClosed(False)
    # What is imported now stays: `settle` looks for garbage among the objects of the tests only.
    for name in ("app.viewport.stage", *MODULES):
        importlib.import_module(name)
    keep_for_good()
    return result


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder and settings of this test's own."""
    return _at_home(tmp_path / "home", monkeypatch)


def _at_home(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    folder.mkdir(exist_ok=True)
    patch.setenv("QNERF_HOME", str(folder))
    for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(form, QSettings.Scope.UserScope, str(folder / "settings"))
    return folder


@pytest.fixture
def qapp(application: QApplication, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QApplication]:
    """The application; the test fails if it leaves windows, timers, threads or child processes behind."""
    errors = _caught(monkeypatch)
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    threads = set(threading.enumerate())
    others = application.topLevelWidgets()
    settings.set_flag(TOUR_SEEN)
    yield application
    for widget in application.topLevelWidgets():
        if widget not in others:
            if isinstance(widget, MainWindow):
                widget.closing.agree()
            widget.close()
            widget.deleteLater()
    settle()
    left = _left_behind(threads, children)
    deadline = time.monotonic() + 20
    while left and time.monotonic() < deadline:
        settle()
        time.sleep(0.05)
        left = _left_behind(threads, children)
    if errors:
        raise errors[0]
    assert not left, f"left behind: {', '.join(left)}"


@pytest.fixture
def open_window(qapp: QApplication) -> OpenWindow:
    """Opens the main window and waits until everything is in it."""

    def open_it(path: Path | None = None, project: str | None = None) -> MainWindow:
        window = _opened(qapp, path)
        if project is not None:
            begin(window, project)
        return window

    return open_it


def _opened(application: QApplication, path: Path | None = None) -> MainWindow:
    found = notices()
    assert found is not None
    lines = LogLines(application)
    window = MainWindow(found, lines, path)
    window.destroyed.connect(lines.deleteLater)
    window.show()
    # There is no window manager that would give it the keyboard.
    window.activateWindow()
    assert wait_until(lambda: window.isActiveWindow() and window.rooms.is_finished)
    return window


def begin(window: MainWindow, capture: str = "person") -> Document:
    """A new project in the window."""
    window.file.begin(capture)
    document = window.rooms.document
    assert document is not None
    assert wait_until(lambda: document.project is not None)
    settle()
    return document


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("module") / "home"


@pytest.fixture(scope="module")
def module_window(application: QApplication, module_home: Path) -> Iterator[MainWindow]:
    """The one window of a module's tests that take `window`."""
    with pytest.MonkeyPatch.context() as patch:
        _at_home(module_home, patch)
        settings.set_flag(TOUR_SEEN)
        window = _opened(application)
        yield window
        window.closing.agree()
        window.close()
        window.deleteLater()
        settle()


@pytest.fixture
def window(module_window: MainWindow, module_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window without a project, for tests that change no settings; other tests of the module had it before."""
    _at_home(module_home, monkeypatch)
    errors = _caught(monkeypatch)
    module_window.activateWindow()
    assert wait_until(module_window.isActiveWindow)
    yield module_window
    for widget in QApplication.topLevelWidgets():
        if widget is not module_window and widget.isWindow() and widget.isVisible():
            widget.close()
    while module_window.notice_bar.notice is not None:
        module_window.notice_bar.dismiss()
    document, queue = module_window.rooms.document, module_window.rooms.queue
    assert document is not None
    assert queue is not None
    assert queue.running is None
    document.close_project()
    settle()
    if errors:
        raise errors[0]


def _caught(patch: pytest.MonkeyPatch) -> list[BaseException]:
    """Errors of slots from now on; what would wait for an answer is one."""
    errors: list[BaseException] = []
    patch.setattr(sys, "excepthook", lambda _kind, error, _trace: errors.append(error))
    for name in ("information", "question", "warning", "critical", "exec"):
        patch.setattr(QMessageBox, name, _blocking(name))
    patch.setattr(QDialog, "exec", _blocking("QDialog.exec"))
    return errors


def wait_until(condition: Callable[[], bool], seconds: float = 180.0) -> bool:
    """Let the event loop run until something is the case; False if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        QCoreApplication.processEvents()
        time.sleep(0.01)
    return True


def _blocking(name: str) -> object:
    def fail(*arguments: object, **options: object) -> int:
        raise AssertionError(f"{name} would block until somebody answers")

    return fail


def settle() -> None:
    """Let everything happen that is due, deletions included."""
    for _ in range(3):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


def _left_behind(threads: set[threading.Thread], children: set[int]) -> list[str]:
    left = [f"thread {thread.name}" for thread in threading.enumerate() if thread not in threads and thread.is_alive()]
    for child in psutil.Process().children(recursive=True):
        if child.pid not in children:
            left.append(f"process {child.pid} {' '.join(child.cmdline()[:4])}")
    for thing in gc.get_objects():
        # `isinstance` asks the object for its class, which some of torch's objects answer with a warning.
        kind = type(thing)
        try:
            if issubclass(kind, QThread) and thing.isRunning() and thing is not QThread.currentThread():
                left.append(f"QThread {thing.objectName() or thing!r}")
            elif issubclass(kind, QTimer) and thing.isActive() and thing.parent() is None:
                left.append(f"timer {thing!r}")
        except RuntimeError:
            continue
    return left


@pytest.fixture
def document(qapp: QApplication, tmp_path: Path) -> Iterator[Document]:
    document = Document()
    document.new_project("person", tmp_path / "project")
    yield document
    document.close_project()
