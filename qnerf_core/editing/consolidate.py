"""The consolidated multi-view edit, as a generator of events (method.md 1.6)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import torch

from qnerf_core.diffusion.devices import release_memory
from qnerf_core.editing.attempt import Attempt, ResumeState
from qnerf_core.editing.events import Event, RunFailed
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import Cancelled, StudioError, is_out_of_memory


def run(
    inputs: EditInputs,
    spec: EditSpec,
    *,
    run_id: str,
    resume: ResumeState | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Event]:
    """Edit all views of a scene together.

    The same inputs and spec give the same bytes, also across a resume, on the same machine and number of threads.

    Args:
        inputs: What is edited.
        spec: How.
        run_id: Put into every event.
        resume: Go on from here.
        cancelled: Asked before every pass through the network and every iteration of a fit.

    Yields:
        The events of `events.py`. Errors that a user can cause, a full memory and a cancellation end in RunFailed and
        are not raised.
    """
    # The field's fit flushes denormals from its first time on; all of the run does, so that a resumed run computes as
    # the stopped one did.
    flushed_before = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield from _attempts(inputs, spec, run_id, cancelled, resume)
    except Cancelled as stop:
        yield RunFailed(run_id, stop.title, stop.cause, stop.next_step, cancelled=True)
    except StudioError as error:
        yield RunFailed(run_id, error.title, error.cause, error.next_step, cancelled=False)
    finally:
        torch.set_flush_denormal(flushed_before)


def _attempts(
    inputs: EditInputs,
    spec: EditSpec,
    run_id: str,
    cancelled: Callable[[], bool] | None,
    resume: ResumeState | None,
) -> Iterator[Event]:
    """Try with fewer views at once whenever the memory is full, from the last finished interval on."""
    most = spec.diffusion.view_batch
    while True:
        attempt = Attempt(inputs, spec, run_id, cancelled, most)
        try:
            yield from attempt.events(resume)
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            cause = (str(error).strip().splitlines() or ["out of memory"])[0]
        # Only now: the error held on to all that the attempt had computed.
        resume = attempt.reached if attempt.reached is not None else resume
        at_once = min(attempt.batch_size, len(inputs.views))
        del attempt
        release_memory(inputs.backbone.device)
        if at_once == 1:
            raise StudioError(
                "The memory is full",
                f"even one view at a time is too much: {cause}",
                "Choose smaller pictures, slicing or offload (Advanced in the Edit panel; --slicing, --offload), or a "
                "lower limit for source features.",
            )
        most = at_once // 2
