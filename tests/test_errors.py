from __future__ import annotations

import pickle

from qnerf_core.errors import Cancelled, RunError, StudioError


def test_text_holds_title_cause_and_next_step() -> None:
    error = RunError("Cannot resume", "settings.json is missing", "Start a new run.")
    assert str(error) == "Cannot resume: settings.json is missing. Start a new run."
    assert (error.title, error.cause, error.next_step) == (
        "Cannot resume",
        "settings.json is missing",
        "Start a new run.",
    )


def test_text_without_cause_or_next_step() -> None:
    assert str(StudioError("Out of memory")) == "Out of memory."
    assert str(StudioError("Out of memory", next_step="Use fewer views")) == "Out of memory. Use fewer views."
    assert str(Cancelled()) == "Cancelled."


def test_errors_survive_pickling_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(RunError("a", "b", "c")))
    assert isinstance(error, RunError)
    assert (error.title, error.cause, error.next_step) == ("a", "b", "c")
