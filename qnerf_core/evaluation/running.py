"""Bringing an edit to its end, for tables and benchmarks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from qnerf_core.editing import consolidate, events
from qnerf_core.editing.inputs import EditInputs, prepare
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import RunError
from qnerf_core.runs.folder import RUN_FILE, RunFolder
from qnerf_core.runs.opening import open_run


def finish_run(
    spec: EditSpec,
    folder: Path,
    on_event: Callable[[events.Event], None] | None = None,
    load: Callable[[EditSpec], EditInputs] = prepare,
) -> RunFolder:
    """Run an edit, or what is missing of it; a finished one is left alone.

    Args:
        spec: What to do.
        folder: The run's folder; what it holds must be of the same settings.
        on_event: Called with every event, after it was written.
        load: Makes the inputs of a spec.

    Returns:
        The finished run.

    Raises:
        RunError: The folder holds another run, or the edit failed.
        StudioError: Something that the spec names is missing or wrong.
    """
    if (folder / RUN_FILE).is_file():
        run = RunFolder(folder)
        if run.status == "finished" and run.spec == spec:
            return run
    inputs = load(spec)
    with open_run(folder, spec, resume=True) as store:
        stream = consolidate.run(inputs, spec, run_id=secrets.token_hex(4), resume=store.resume_state())
        for event in store.consume(stream):
            if on_event:
                on_event(event)
            if isinstance(event, events.RunFailed):
                raise RunError(event.title, event.cause, event.next_step)
    return RunFolder(folder)
