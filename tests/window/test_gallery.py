from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication

from app.gallery.gallery import ENLARGED, SHEET, VIEWS, Gallery
from tests.window.gallery_runs import FakeQueue, FakeRun, finished_run
from tests.window.gallery_tools import close_to, colour_at, decoded, drag, open_gallery, turn_wheel, wait_for


@pytest.fixture
def run(tmp_path: Path) -> FakeRun:
    return finished_run(tmp_path / "run")


@pytest.fixture
def gallery(qapp: QApplication, run: FakeRun) -> Gallery:
    return open_gallery(run.path)


def _tile(gallery: Gallery, view: str, stop: int | None = None) -> QPoint:
    return gallery.grid.frame_of(view, stop).center()


def _expected(run: FakeRun, view: str, interval: int) -> np.ndarray:
    return run.picture(view, interval)[run.size // 2, run.size // 2]


def test_scrubbing_with_the_mouse_shows_each_interval_in_tiles_that_stay_where_they_are(
    gallery: Gallery, run: FakeRun
) -> None:
    scrubber, view = gallery.scrubber, run.views[2]
    assert gallery.stop == run.count + 1
    frame = gallery.grid.frame_of(view)
    QTest.mousePress(scrubber, Qt.MouseButton.LeftButton, pos=scrubber.segment(3).center().toPoint())
    for stop in (3, 2, 1):
        QTest.mouseMove(scrubber, scrubber.segment(stop).center().toPoint())
        QApplication.processEvents()
        assert gallery.stop == stop
        assert gallery.grid.frame_of(view) == frame
        assert close_to(colour_at(gallery.grid.viewport(), frame.center()), _expected(run, view, stop - 1))
    QTest.mouseRelease(scrubber, Qt.MouseButton.LeftButton)


def test_keys_move_through_intervals_and_views(gallery: Gallery, run: FakeRun) -> None:
    stops = QSignalSpy(gallery.stopChanged)
    views = QSignalSpy(gallery.viewChanged)
    gallery.grid.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_End):
        QTest.keyClick(gallery.grid, key)
    assert [stops.at(index)[0] for index in range(stops.count())] == [0, 1, 2, 1, run.count + 1]
    QTest.keyClick(gallery.grid, Qt.Key.Key_Down)
    QTest.keyClick(gallery.grid, Qt.Key.Key_Up)
    assert [views.at(index)[0] for index in range(views.count())] == [run.views[1], run.views[0]]


def test_play_goes_round_and_stops(gallery: Gallery) -> None:
    gallery.set_stop(0)
    while gallery.transport.speed.text() != "4x":
        QTest.mouseClick(gallery.transport.speed, Qt.MouseButton.LeftButton)
    QTest.mouseClick(gallery.transport.play, Qt.MouseButton.LeftButton)
    seen: list[int] = []
    gallery.stopChanged.connect(seen.append)
    wait_for(lambda: len(seen) >= 6)
    assert seen[:6] == [1, 2, 3, 4, 0, 1]
    QTest.keyClick(gallery.grid, Qt.Key.Key_K)
    count = len(seen)
    QTest.qWait(300)
    assert len(seen) == count


def test_a_wipe_is_dragged_in_every_picture_at_once(gallery: Gallery, run: FakeRun) -> None:
    gallery.set_stop(2)
    gallery.comparison.set_against("previous")
    decoded(gallery)
    grid, viewport = gallery.grid, gallery.grid.viewport()
    frame, other = grid.frame_of(run.views[0]), grid.frame_of(run.views[3])
    middle = frame.y() + frame.height() * 3 // 4
    drag(viewport, QPoint(frame.center().x() + 1, middle), QPoint(frame.x() + frame.width() * 4 // 5, middle))
    assert gallery.comparison.divider == pytest.approx(0.8, abs=0.02)
    before = colour_at(viewport, QPoint(other.x() + other.width() * 7 // 10, middle))
    after = colour_at(viewport, QPoint(other.x() + other.width() * 9 // 10, middle))
    assert close_to(before, _expected(run, run.views[3], 0))
    assert close_to(after, _expected(run, run.views[3], 1))


def test_the_flicker_key_shows_the_other_picture_while_it_is_held(gallery: Gallery, run: FakeRun) -> None:
    gallery.set_stop(2)
    gallery.comparison.set_against("previous")
    decoded(gallery)
    gallery.comparison.set_divider(0.0)
    viewport, place = gallery.grid.viewport(), _tile(gallery, run.views[1])
    gallery.grid.setFocus()
    assert close_to(colour_at(viewport, place), _expected(run, run.views[1], 1))
    QTest.keyPress(gallery.grid, Qt.Key.Key_Space)
    assert close_to(colour_at(viewport, place), _expected(run, run.views[1], 0))
    QTest.keyRelease(gallery.grid, Qt.Key.Key_Space)
    assert close_to(colour_at(viewport, place), _expected(run, run.views[1], 1))


def test_zoom_and_pan_are_the_same_in_all_views(gallery: Gallery, run: FakeRun) -> None:
    grid, viewport = gallery.grid, gallery.grid.viewport()
    frame = grid.frame_of(run.views[0])
    corner = QPoint(frame.x() + 2, frame.y() + 2)
    turn_wheel(viewport, corner, 9, Qt.KeyboardModifier.ControlModifier)
    decoded(gallery)
    assert gallery.zoom.scale == pytest.approx(1.2**9)
    # The corner with the white number fills what was a tile of one colour.
    for view in run.views:
        area = grid.frame_of(view)
        shown = viewport.grab(area).toImage()
        colours = {
            shown.pixelColor(x, y).lightness() > 200
            for x in range(0, area.width(), 4)
            for y in range(0, area.height(), 4)
        }
        assert colours == {True, False}
    window = gallery.zoom.window()
    drag(viewport, frame.center(), frame.center() - QPoint(frame.width() // 2, 0))
    assert gallery.zoom.window().x() == pytest.approx(window.x() + window.width() / 2, abs=0.02)
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert not gallery.zoom.is_zoomed


def test_a_view_is_enlarged_compared_with_the_truth_and_left_again(gallery: Gallery, run: FakeRun) -> None:
    viewport = gallery.grid.viewport()
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=_tile(gallery, run.views[2]))
    assert gallery.header.tabs.currentIndex() == ENLARGED
    assert gallery.view == run.views[2]
    gallery.comparison.set_against("truth")
    decoded(gallery)
    canvas = gallery.enlarged.canvas
    frame = canvas.frame()
    divider = QPoint(frame.center().x() + 1, frame.y() + frame.height() // 3)
    drag(canvas, divider, QPoint(frame.x() + frame.width() // 4, divider.y()))
    assert gallery.comparison.divider == pytest.approx(0.25, abs=0.02)
    shown = colour_at(canvas, QPoint(frame.x() + frame.width() * 9 // 10, frame.y() + frame.height() * 9 // 10))
    truth = colour_at(canvas, QPoint(frame.x() + frame.width() // 10, frame.y() + frame.height() * 9 // 10))
    assert close_to(shown, _expected(run, run.views[2], run.count))
    assert not close_to(truth, shown, 40)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert gallery.header.tabs.currentIndex() == VIEWS


def test_the_sheet_has_a_row_a_view_and_a_column_a_stop(gallery: Gallery, run: FakeRun) -> None:
    gallery.show_page(SHEET)
    decoded(gallery)
    viewport = gallery.grid.viewport()
    for stop in (1, 2, 3):
        place = _tile(gallery, run.views[0], stop)
        assert close_to(colour_at(viewport, place), _expected(run, run.views[0], stop - 1))
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=_tile(gallery, run.views[1], 2))
    assert (gallery.view, gallery.stop) == (run.views[1], 2)


def test_branching_names_the_run_and_the_interval(gallery: Gallery, run: FakeRun) -> None:
    asked: list[tuple[Path, int]] = []
    gallery.branchRequested.connect(lambda path, interval: asked.append((path, interval)))
    assert not gallery.transport.branch.isEnabled()
    gallery.set_stop(2)
    QTest.mouseClick(gallery.transport.branch, Qt.MouseButton.LeftButton)
    assert asked == [(run.path, 1)]


def test_an_interval_is_exported_by_the_queue(gallery: Gallery, run: FakeRun, tmp_path: Path) -> None:
    queue = FakeQueue()
    gallery.follow(queue)  # type: ignore[arg-type]
    gallery.set_stop(2)
    gallery.export_interval(tmp_path / "set")
    job = queue.jobs[0]
    assert job.folder == tmp_path / "set"
    assert job.request == {"run": str(run.path), "parts": ["images"], "interval": 1}


def test_another_run_is_compared_at_the_same_progress(gallery: Gallery, run: FakeRun, tmp_path: Path) -> None:
    finished_run(tmp_path / "runs" / "other", intervals=6, seed=3)
    gallery.set_runs_folder(tmp_path / "runs")
    gallery.compare_with(tmp_path / "runs" / "other")
    wait_for(lambda: gallery.comparison.against == "run")
    gallery.set_stop(2)
    state, other = gallery.state, gallery.comparison.other
    assert state is not None
    assert other is not None
    partner = gallery.comparison.partner(state, 2, run.views[0])
    assert partner is not None
    assert partner.path.parent.parent.name == "03"


@pytest.mark.slow
def test_24_views_at_20_intervals_answer_within_50_ms(qapp: QApplication, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "large", views=24, intervals=20, size=96)
    gallery = open_gallery(run.path, 1100, 520)
    scrubber = gallery.scrubber
    QTest.mousePress(scrubber, Qt.MouseButton.LeftButton, pos=scrubber.segment(0).center().toPoint())
    seconds = []
    for stop in [*range(1, 22), *range(20, 0, -1)]:
        # The thread's own time: what others compute on this machine is not the window's doing.
        began = time.thread_time()
        QTest.mouseMove(scrubber, scrubber.segment(stop).center().toPoint())
        gallery.grid.viewport().repaint()
        QApplication.processEvents()
        seconds.append(time.thread_time() - began)
        assert gallery.stop == stop
    assert sorted(seconds)[len(seconds) * 9 // 10] < 0.05
    assert gallery.store.bytes_used < 60e6
