from __future__ import annotations

import pytest

from app.pace import Pace, left_in_words
from app.progress import EditProgress, ResultProgress
from qnerf_core.editing import events
from qnerf_core.editing.intervals import plan_intervals
from qnerf_core.editing.spec import EditSpec


def test_time_left_is_silent_until_it_is_known() -> None:
    pace = Pace()
    assert pace.left(0.0, 0.0) is None
    # Loading the model takes time at fraction zero, which says nothing about the rest.
    assert pace.left(0.0, 100.0) is None
    assert pace.left(0.5, 101.0) is None
    assert pace.left(0.5, 130.0) == 30.0
    resumed = Pace()
    assert resumed.left(0.8, 10.0) is None
    assert resumed.left(0.9, 40.0) == pytest.approx(30.0)
    assert [left_in_words(seconds) for seconds in (None, 30.0, 540.0, 7200.0)] == [
        "", "30 s left", "9 min left", "2.0 h left",
    ]  # fmt: skip


def test_lines_of_an_edit_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    spec = EditSpec()
    started = events.RunStarted(
        run_id="r",
        spec=spec,
        views=("000", "001"),
        intervals=plan_intervals(20, 4, 16),
        first_interval=2,
        timesteps=tuple(range(20)),
        query_layers=("a",),
        query_shapes=((8, 4, 4),),
        prompt="",
        image_size=(64, 48),
    )
    moved = events.StageProgress("r", "look-ahead", 2, 5, 11, 1, 2, 0.25)
    with EditProgress() as progress:
        progress.preparing("drafts", 0, 24)
    assert "0%  drafts · view 1/24" in capsys.readouterr().err
    with EditProgress() as progress:
        for event in (started, moved, moved):
            progress.show(event)
    shown = capsys.readouterr().err
    assert "2 views of person at 48x64, edit raise-arms, method qnerf: 20 steps in 5 intervals." in shown
    assert "Going on from interval 3." in shown
    assert shown.count("25%  look-ahead · interval 3/5 · step 12/20 · view 1/2") == 1


def test_lines_of_a_fit_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with ResultProgress() as progress:
        progress.show("nerf", 0.25, "10/40, loss 0.12500")
    assert "25%  Fitting the NeRF · 10/40, loss 0.12500" in capsys.readouterr().err
