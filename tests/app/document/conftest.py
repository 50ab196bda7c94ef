from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.opening import OpenedScene, open_scene
from app.shell import display, settings
from app.shell.application import make_application
from qnerf_core.body.surface import BodySurface


@pytest.fixture(scope="session")
def core_application() -> QCoreApplication:
    # A process has one application: where there is a display, it is one that the window's tests can use after these.
    existing = QCoreApplication.instance()
    if existing is not None:
        return existing
    return make_application(["qnerf-studio"]) if display.problem() is None else QCoreApplication([])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("QNERF_HOME", str(folder))
    settings.redirect()
    return folder


@pytest.fixture(scope="session")
def body() -> BodySurface:
    return BodySurface.load()


@pytest.fixture
def empty(core_application: QCoreApplication, home: Path, body: BodySurface) -> Iterator[Document]:
    document = Document()
    document.__dict__["body"] = body
    yield document
    document.close_project()
    document.deleteLater()


@pytest.fixture(scope="session")
def opened(body: BodySurface) -> OpenedScene:
    return open_scene("person", body)


@pytest.fixture
def document(empty: Document, opened: OpenedScene) -> Document:
    """A new untitled project with the built-in capture."""
    empty.start_project(opened)
    return empty


@pytest.fixture
def wait_until(core_application: QCoreApplication) -> Callable[[Callable[[], bool]], bool]:
    def wait(condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 10
        while not condition() and time.monotonic() < deadline:
            core_application.processEvents()
            time.sleep(0.005)
        return condition()

    return wait
