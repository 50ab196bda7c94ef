from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from qnerf_core.diffusion import memory
from qnerf_core.diffusion.memory import fitting_batch
from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.editing.consolidate import run
from qnerf_core.editing.events import Event, IntervalFinished, RunFailed, RunFinished, RunStarted
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.spec import EditSpec
from qnerf_core.models.facts import activation_bytes
from tests.editing.conftest import SHORT, changed


@contextmanager
def room_for(inputs: EditInputs, too_many: Callable[[int], bool]) -> Iterator[None]:
    """A device on which the network's first convolution finds no memory for some batches."""

    def allocate(_module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        if too_many(arguments[0].shape[0]):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore words")

    handle = inputs.backbone.unet.conv_in.register_forward_pre_hook(allocate)
    try:
        yield
    finally:
        handle.remove()


def events_of(inputs: EditInputs, spec: EditSpec) -> list[Event]:
    return list(run(inputs, spec, run_id="run"))


def test_a_full_memory_is_tried_again_with_fewer_views_from_the_last_finished_interval_on(inputs: EditInputs) -> None:
    spec = changed(SHORT, diffusion__view_batch=8)
    with room_for(inputs, lambda views: views > 1 and torch.is_grad_enabled()):
        events = events_of(inputs, spec)
    starts = [event.first_interval for event in events if isinstance(event, RunStarted)]
    assert starts == [0, 1], "guidance begins in the second interval"
    assert [event.interval for event in events if isinstance(event, IntervalFinished)] == [0, 1, 2, 3]
    small = events_of(inputs, changed(SHORT, diffusion__view_batch=1))
    assert isinstance(events[-1], RunFinished)
    assert isinstance(small[-1], RunFinished)
    # The fit of the field makes more of the last bits, which follow the size of the batches.
    torch.testing.assert_close(events[-1].latents, small[-1].latents, atol=0.05, rtol=0.0)


def test_when_one_view_is_too_much_the_run_says_which_knob_to_turn(inputs: EditInputs) -> None:
    with room_for(inputs, lambda _: True):
        events = events_of(inputs, SHORT)
    failure = events[-1]
    assert isinstance(failure, RunFailed)
    assert not failure.cancelled
    assert failure.cause == "even one view at a time is too much: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert "--slicing" in failure.next_step
    assert isinstance(events_of(inputs, changed(SHORT, method="independent"))[-1], RunFinished), "the program goes on"


def test_views_at_once_follow_the_memory_measured_free(inputs: EditInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, size = DiffusionSettings(view_batch=8), (64, 64)
    one = activation_bytes(8, size, 4, twice=False, gradient=True)
    for free, expected in ((100 * one, 8), (4 * one, 3), (0.0, 1)):
        monkeypatch.setattr(memory, "free_memory", lambda _device, free=free: int(free))
        assert fitting_batch(inputs.backbone, size, settings, gradient=True) == expected
    assert activation_bytes(8, size, 2, twice=False, gradient=False) < one / 2
