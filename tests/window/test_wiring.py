"""One run is shown everywhere: in the gallery, as a result, to be exported, in the history."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from app.document.document import Document
from app.gallery.gallery import Gallery
from app.panels.export import ExportPanel
from app.panels.history import HistoryPanel
from app.panels.result import ResultPanel
from app.window import MainWindow
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.nerfstudio import scene_metadata, write_transforms
from qnerf_core.scene.scene import View
from tests.window.conftest import begin, settle, wait_until
from tests.window.gallery_runs import FakeRun, finished_run
from tests.window.test_shell_files import drop

LEFT = Qt.MouseButton.LeftButton


class Studio:
    """A window with a project that holds two runs, the second one shown."""

    def __init__(self, window: MainWindow) -> None:
        rooms = window.rooms
        assert rooms.document is not None
        assert rooms.gallery is not None
        assert rooms.history is not None
        assert rooms.export is not None
        assert rooms.result is not None
        assert rooms.document.project is not None
        self.window = window
        self.document: Document = rooms.document
        self.gallery: Gallery = rooms.gallery
        self.history: HistoryPanel = rooms.history
        self.export: ExportPanel = rooms.export
        self.result: ResultPanel = rooms.result
        folder = rooms.document.project.runs_folder
        self.runs: list[FakeRun] = []
        for seed in (1, 2):
            run = finished_run(folder / f"run{seed}", views=2, intervals=2, seed=seed)
            run.write(created=1_790_000_000.0 + seed)
            self.runs.append(run)
        self.document.runsChanged.emit()
        self.window.docks.show("history")
        assert wait_until(lambda: self.history.model.total == 2)

    def click_run(self, run: FakeRun, *, twice: bool) -> None:
        index = self.history.model.index(self.history.model.row_of(run.path))
        place = self.history.list.visualRect(index).center()
        QTest.mouseClick(self.history.list.viewport(), LEFT, pos=place)
        if twice:
            QTest.mouseDClick(self.history.list.viewport(), LEFT, pos=place)

    @property
    def shown(self) -> tuple[Path | None, Path | None, bool]:
        return self.gallery.run, self.export.out, self.result.empty.isHidden()


@pytest.fixture
def studio(window: MainWindow) -> Studio:
    begin(window)
    return Studio(window)


def click(widget: QWidget | None) -> None:
    assert widget is not None
    assert widget.isEnabled()
    QTest.mouseClick(widget, LEFT)
    settle()


def answer(text: str) -> None:
    question = next(top for top in QApplication.topLevelWidgets() if top.objectName() == "question")
    click(question.findChild(QPushButton, f"answer {text}"))


def test_the_history_shows_compares_and_deletes_runs(studio: Studio) -> None:
    first, second = studio.runs
    assert studio.shown == (None, None, False)
    studio.click_run(second, twice=True)
    assert studio.shown == (second.path, second.path / "export", True)
    assert wait_until(lambda: studio.gallery.state is not None and studio.gallery.state.path == second.path)
    studio.click_run(first, twice=False)
    assert studio.gallery.run == second.path
    click(studio.history.details.compare)
    comparison = studio.gallery.comparison
    assert wait_until(lambda: comparison.against == "run")
    assert comparison.other is not None
    assert comparison.other.path == first.path
    # What is shown elsewhere is chosen here.
    studio.gallery.set_run(second.path)
    studio.gallery.set_run(first.path)
    studio.gallery.set_run(second.path)
    assert studio.history.current is not None
    assert studio.history.current.path == second.path
    studio.click_run(first, twice=False)
    click(studio.history.details.delete)
    answer("Delete")
    assert comparison.against == "off"
    assert studio.gallery.run == second.path
    assert wait_until(lambda: studio.history.model.total == 1)
    click(studio.history.details.delete)
    answer("Delete")
    assert studio.shown == (None, None, False)
    assert wait_until(lambda: studio.history.model.total == 0)


def test_the_history_leaves_a_project_at_once(studio: Studio) -> None:
    studio.document.close_project()
    assert studio.history.model.total == 0
    assert studio.history.current is None
    begin(studio.window)
    assert studio.history.model.total == 0


def test_a_dropped_picture_recalls_settings_with_or_without_the_seed(studio: Studio) -> None:
    picture = studio.runs[0].path / "edited" / f"{studio.runs[0].views[0]}.png"
    before = studio.document.spec
    drop(studio.window, picture)
    answer("Cancel")
    assert studio.document.spec == before
    drop(studio.window, picture)
    answer("All but the seed")
    assert (studio.document.spec.tau, studio.document.spec.seed) == (2, before.seed)
    assert studio.document.edit_name == "raise-arms"
    drop(studio.window, picture)
    answer("All settings")
    assert studio.document.spec.seed == 1
    assert studio.document.undo_stack.count() == 2


def write_edited_set(folder: Path) -> None:
    capture = load_capture("person")
    views = []
    for view in capture.scene.training_views[:2]:
        path = folder / "images" / view.image_path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(view.image_path, path)
        views.append(View(view.name, view.camera, path))
    metadata = scene_metadata(capture.scene)
    metadata["qnerf"]["provenance"] = {"spec": {"scene": "person", "edit": "kick"}, "seed": 3}
    write_transforms(views, folder / "transforms.json", extra=metadata)


def test_an_exported_set_is_the_next_source_and_says_where_it_comes_from(studio: Studio) -> None:
    run, window = studio.runs[1], studio.window
    write_edited_set(run.path / "export" / "dataset")
    studio.click_run(run, twice=True)
    window.docks.show("export")
    source = studio.export.rows["images"].source
    assert wait_until(source.isVisible)
    first = studio.document.project
    click(source)
    assert wait_until(lambda: studio.document.project is not first and studio.document.provenance is not None)
    assert studio.document.scene is not None
    assert len(studio.document.scene.views) == 2
    views = window.rooms.panels["views"]
    origin = views.findChild(QWidget, "viewsOrigin")
    assert origin is not None
    assert origin.isVisible()
    assert origin.property("text") == "Made from person, edited to kick"
    assert studio.shown == (None, None, False)
