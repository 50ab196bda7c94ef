from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.gallery import run_reader
from app.gallery.gallery import INSIDE, PLOTS, SHEET, Gallery
from app.gallery.pictures import Key, PictureStore
from app.gallery.run_reader import RunReader
from app.gallery.run_state import Picture
from app.shell.settings import ThemeChoice
from app.shell.themes import themes
from tests.window.gallery_runs import FakeQueue, FakeRun, finished_run
from tests.window.gallery_tools import close_to, colour_at, decoded, open_gallery, wait_for


def _states(gallery: Gallery) -> list[str]:
    return [stop.state for stop in gallery.state.stops] if gallery.state else []


def test_a_run_that_grows_fills_the_gallery_and_is_followed(qapp: QApplication, tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run", intervals=3)
    gallery = open_gallery(run.path)
    queue = FakeQueue()
    job = queue.put("edit", run.path, {}, "running")
    gallery.follow(queue)  # type: ignore[arg-type]
    assert gallery.empty.isVisible()
    assert "starting" in gallery.empty.title.text()
    run.start()
    run.progress("inversion", None, 2, 2, 0.05)
    queue.jobEvent.emit(job.id, {"event": "RunStarted"})
    wait_for(lambda: _states(gallery) == ["finished", "planned", "planned", "planned", "planned"])
    assert gallery.grid.isVisible()
    assert gallery.stop == 0
    run.progress("kept", 0, 0, 2, 0.2)
    queue.jobEvent.emit(job.id, {})
    wait_for(lambda: _states(gallery)[1] == "running")
    run.finish_interval(0)
    queue.jobEvent.emit(job.id, {})
    wait_for(lambda: _states(gallery)[:3] == ["finished", "finished", "running"])
    assert gallery.stop == 1
    decoded(gallery)
    centre = gallery.grid.frame_of(run.views[0]).center()
    assert close_to(colour_at(gallery.grid.viewport(), centre), run.picture(run.views[0], 0)[32, 32])
    gallery.set_stop(0)
    run.finish()
    job.state = "finished"
    queue.jobUpdated.emit(job.id)
    wait_for(lambda: set(_states(gallery)) == {"finished"})
    assert gallery.stop == 0, "who looks back is not pulled to the newest"


def test_a_run_that_nobody_works_on_is_shown_as_stopped(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run").start()
    run.finish_interval(0)
    reader = RunReader(run.path)
    assert [stop.state for stop in reader.read().stops][:3] == ["finished", "finished", "stopped"]
    assert reader.read(live=True).stops[2].state == "running"
    run.write(status="failed", failure={"title": "Out of memory", "cause": "too large", "next_step": "Use less"})
    state = reader.read()
    assert (state.status, state.problem) == ("failed", "Out of memory. too large. Use less.")


def test_the_log_is_read_on_from_where_it_ended(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run").start()
    log = run_reader.LogTail(run.path / "events.jsonl")
    run.progress("kept", 0, 0, 1, 0.1)
    log.read()
    assert log.progress["fraction"] == 0.1
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"event": "StageProgress", "torn')
    log.read()
    assert log.progress["fraction"] == 0.1


@pytest.mark.parametrize("damage", ["gone", "empty", "json", "incomplete"])
def test_a_damaged_run_is_said_to_be_so(qapp: QApplication, tmp_path: Path, damage: str) -> None:
    run = finished_run(tmp_path / "run", views=1, intervals=1)
    file = run.path / "run.json"
    if damage == "gone":
        file.unlink()
    else:
        file.write_text({"empty": "", "json": "{,", "incomplete": '{"version": 1, "status": "finished"}'}[damage])
    gallery = open_gallery(run.path)
    assert gallery.empty.isVisible()
    assert "cannot be shown" in gallery.empty.title.text()
    assert len(gallery.empty.text.text()) > 20


def test_damaged_and_missing_pictures_are_marked_and_the_others_shown(qapp: QApplication, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    first, second, third = run.views[:3]
    (run.path / "edited" / f"{first}.png").write_bytes(b"not a picture")
    (run.path / "edited" / f"{second}.png").unlink()
    whole = (run.path / "intervals" / "01" / "previews" / f"{first}.jpg").read_bytes()
    (run.path / "intervals" / "01" / "previews" / f"{first}.jpg").write_bytes(whole[: len(whole) // 2])
    (run.path / "intervals" / "00" / "info.json").write_text("{")
    gallery = open_gallery(run.path)
    assert _states(gallery)[1:] == ["stopped", "planned", "planned", "planned"]
    gallery.set_stop(4)
    decoded(gallery)
    state = gallery.state
    assert state is not None
    broken = state.picture(4, first)
    assert broken is not None
    assert "damaged" in gallery.store.problem(broken)
    assert state.picture(4, second) is None
    grid = gallery.grid
    assert close_to(colour_at(grid.viewport(), grid.frame_of(third).center()), run.picture(third, 3)[32, 32])
    for page in (SHEET, INSIDE, PLOTS):
        gallery.show_page(page)
        QTest.qWait(50)


def test_without_a_run_the_gallery_says_what_to_do_and_keys_do_nothing(qapp: QApplication) -> None:
    gallery = open_gallery(None)
    assert "Edit" in gallery.empty.text.text()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Space, Qt.Key.Key_B, Qt.Key.Key_Return):
        QTest.keyClick(gallery, key)
    for page in range(5):
        gallery.show_page(page)
        assert gallery.empty.isVisible()


def test_its_keys_go_before_shortcuts_of_the_window(qapp: QApplication, tmp_path: Path) -> None:
    gallery = open_gallery(finished_run(tmp_path / "run", views=1, intervals=1).path)
    event = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(gallery.grid, event)
    assert event.isAccepted()
    other = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    other.ignore()
    QApplication.sendEvent(gallery.grid, other)
    assert not other.isAccepted()


def test_look_inside_shows_the_maps_and_leads_to_them(qapp: QApplication, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", intervals=3)
    gallery = open_gallery(run.path)
    gallery.show_page(INSIDE)
    wait_for(lambda: gallery.inside.empty.isVisible())
    QTest.mouseClick(gallery.inside.empty.button, Qt.MouseButton.LeftButton)
    assert gallery.stop == 1
    wait_for(lambda: gallery.inside.content.isVisible())
    board = gallery.inside.board
    assert set(board.images) == {(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0)}
    with np.load(run.path / "intervals" / "00" / "maps.npz") as maps:
        shown = board.images[1, 1].pixelColor(3, 5)
        assert list(shown.getRgb())[:3] == maps["rendered_1"][0][5, 3].tolist()
    gallery.inside.what.setCurrentIndex(1)
    assert {column for _, column in board.images} == set(range(len(run.views)))
    (run.path / "intervals" / "00" / "maps.npz").write_bytes(b"damaged")
    gallery.refresh()
    wait_for(lambda: "cannot be read" in gallery.inside.empty.title.text())
    gallery.set_run(finished_run(tmp_path / "short", intervals=2).path)
    wait_for(lambda: "in this run" in gallery.inside.empty.title.text())


def test_plots_follow_the_run(qapp: QApplication, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", intervals=4)
    gallery = open_gallery(run.path)
    gallery.show_page(PLOTS)
    plots = gallery.plots
    assert [one.name for one in plots.loss.series] == ["Interval 1", "Interval 2"]
    assert plots.loss.series[0].points[0] == (1.0, pytest.approx(1.0))
    rendered = next(one for one in plots.disagreement.series if one.name == "rendered")
    assert [value for _, value in rendered.points] == pytest.approx([0.3 * 0.55, 0.15 * 0.55])
    plots.layer.setCurrentIndex(2)
    rendered = next(one for one in plots.disagreement.series if one.name == "rendered")
    assert [value for _, value in rendered.points] == pytest.approx([0.3 * 0.5, 0.15 * 0.5])
    guidance = plots.guidance
    QTest.mouseClick(guidance.viewport(), Qt.MouseButton.LeftButton, pos=guidance.place(3, 1).toPoint())
    assert gallery.current_interval == 2
    choices: tuple[ThemeChoice, ...] = ("light", "dark")
    for choice in choices:
        themes().choose(choice)
        QApplication.processEvents()
        assert plots.loss.grab().toImage().pixelColor(3, 3) == plots.palette().window().color(), choice


def test_the_cache_keeps_its_limit_and_what_is_wanted(qapp: QApplication, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", views=4, intervals=6)
    pictures = [Picture(path, 1) for path in sorted(run.path.glob("intervals/*/previews/*.jpg"))]
    store = PictureStore(limit_bytes=10 * 4 * 32 * 32)
    size = QSize(32, 32)
    for start in range(0, len(pictures), 4):
        store.want(Key.of(picture, size) for picture in pictures[start : start + 4])
        wait_for(lambda: store.idle)
        assert store.bytes_used <= store.limit_bytes
        assert all(store.get(Key.of(picture, size)) for picture in pictures[start : start + 4])
    assert store.get(Key.of(pictures[0], size)) is None
    store.want(Key.of(picture, size) for picture in pictures)
    wait_for(lambda: store.idle)
    assert store.get(Key.of(pictures[0], size)) is not None, "what is wanted first is not pushed out by the rest"
    store.close()


def test_closed_while_it_reads_and_decodes(qapp: QApplication, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", views=8, intervals=6, size=128)
    for _ in range(4):
        gallery = Gallery()
        gallery.resize(900, 400)
        gallery.show()
        gallery.set_run(run.path)
        began = time.monotonic()
        while gallery.state is None and time.monotonic() - began < 5:
            QApplication.processEvents()
        gallery.close()
        gallery.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
