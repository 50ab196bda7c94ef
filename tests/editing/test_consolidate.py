from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

import pytest
import torch

from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.editing.attempt import ResumeState
from qnerf_core.editing.consolidate import run
from qnerf_core.editing.events import (
    Event,
    FieldFitted,
    IntervalFinished,
    InversionFinished,
    RunFailed,
    RunFinished,
    RunStarted,
    StageProgress,
    ViewsDecoded,
)
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.spec import EditSpec
from tests.editing.conftest import SHORT, changed, inputs_of
from tests.tiny_models import builtin_like, sd15_like

Kind = TypeVar("Kind", bound=Event)


def of_kind(events: Sequence[Event], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


@cache
def events_of(spec: EditSpec) -> tuple[Event, ...]:
    return tuple(run(inputs_of(builtin_like()), spec, run_id="one"))


def final(spec: EditSpec) -> torch.Tensor:
    last = events_of(spec)[-1]
    assert isinstance(last, RunFinished), last
    return last.latents


def test_events_come_in_order_and_complete(inputs: EditInputs) -> None:
    events = [event for event in events_of(SHORT) if not isinstance(event, StageProgress)]
    assert [type(event) for event in events] == [
        RunStarted,
        InversionFinished,
        FieldFitted,
        IntervalFinished,
        FieldFitted,
        IntervalFinished,
        IntervalFinished,
        IntervalFinished,
        ViewsDecoded,
        ViewsDecoded,
        RunFinished,
    ]
    assert all(event.run_id == "one" for event in events)
    started = of_kind(events, RunStarted)[0]
    intervals = of_kind(events, IntervalFinished)
    assert [event.steps_done for event in intervals] == [1, 2, 3, 4]
    assert [event.guidance_loss is not None for event in intervals] == [False, True, True, False]
    assert [event.field_state is not None for event in intervals] == [True, True, False, False]
    assert all(len(event.disagreement) == len(started.query_layers) == 6 for event in intervals)
    for fitted in of_kind(events, FieldFitted):
        for maps, shape in zip(fitted.rendered, started.query_shapes, strict=True):
            assert maps.shape == (len(inputs.views), *shape)
        assert all(0 <= value < 10 for value in (*fitted.disagreement, *fitted.rendered_disagreement))
    decoded = of_kind(events, ViewsDecoded)
    assert [name for event in decoded for name in event.views] == list(inputs.views)
    expected = inputs.backbone.decode_latents(intervals[-1].latents[:2])
    assert torch.equal(decoded[0].images, expected)
    finished = of_kind(events, RunFinished)[0]
    assert finished.denoiser_calls["inversion"] == 4 * 3
    # Four steps, and the source at the noise end, the only level that the inversion does not pass through the network.
    assert finished.denoiser_calls["kept"] == 5 * 3
    assert finished.denoiser_calls["guidance"] == finished.denoiser_calls["look-ahead"] == 2 * 3
    assert {"encoding", "inversion", "kept", "look-ahead", "guidance", "qnerf", "decoding"} == set(finished.seconds)


def test_progress_rises_to_one() -> None:
    told = of_kind(events_of(SHORT), StageProgress)
    fractions = [event.fraction for event in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    fit = {event.fraction for event in told if (event.stage, event.interval) == ("qnerf", 0)}
    assert len(fit) > SHORT.qnerf.iterations, "every iteration of so short a fit is told"


def test_a_stopped_run_resumed_anywhere_ends_with_the_same_bytes(inputs: EditInputs) -> None:
    """Also the proof that a run repeats itself: everything after the resume is computed a second time."""
    events = events_of(SHORT)
    trajectory = of_kind(events, InversionFinished)[0].trajectory
    states = [ResumeState(trajectory)]
    for event in of_kind(events, IntervalFinished):
        states.append(ResumeState(trajectory, event.interval, event.latents, event.field_state))
    for state in states[:2] + states[-1:]:
        resumed = list(run(inputs, SHORT, run_id="two", resume=state))
        assert of_kind(resumed, RunStarted)[0].first_interval == state.interval + 1
        assert not of_kind(resumed, InversionFinished)
        assert len(of_kind(resumed, IntervalFinished)) == 3 - state.interval
        assert torch.equal(of_kind(resumed, RunFinished)[0].latents, final(SHORT))
        fits = {fit.interval: fit for fit in of_kind(events, FieldFitted)}
        for fit in of_kind(resumed, FieldFitted):
            assert fit.losses == fits[fit.interval].losses
            assert all(map(torch.equal, fit.rendered, fits[fit.interval].rendered))


def test_computing_source_features_again_ends_with_the_same_bytes() -> None:
    frugal = changed(SHORT, diffusion__injection__memory_limit_mb=0.0)
    assert torch.equal(final(frugal), final(SHORT))


def test_the_look_ahead_leaves_no_trace_on_the_kept_latents() -> None:
    """Guided by nothing, the consolidated edit is the independent one: the probe is thrown away."""
    without = changed(SHORT, diffusion__guidance__alpha=0.0)
    alone = changed(SHORT, method="independent")
    assert torch.equal(final(without), final(alone))
    assert not torch.allclose(final(SHORT), final(alone))
    assert not of_kind(events_of(alone), FieldFitted)


def test_independent_is_the_base_editor_on_the_inverted_latents(inputs: EditInputs) -> None:
    alone = changed(SHORT, method="independent", diffusion__injection__enabled=False)
    trajectory = of_kind(events_of(alone), InversionFinished)[0].trajectory
    denoiser = Denoiser(inputs.backbone, alone.diffusion, inputs.prompt)
    latents = trajectory[0]
    for step in range(4):
        latents = denoiser.step(latents, step, inputs.backbone.embed_control(inputs.controls)).latents
    torch.testing.assert_close(final(alone), latents, atol=1e-5, rtol=1e-4)
    assert torch.equal(trajectory[4, :2], inputs.backbone.encode_images(inputs.images[:2]))


def test_the_ablations_differ_and_guide_as_planned() -> None:
    hard = changed(SHORT, hard_injection=True)
    once = changed(SHORT, progressive=False)
    assert not torch.allclose(final(hard), final(SHORT))
    assert "guidance" not in of_kind(events_of(hard), RunFinished)[0].denoiser_calls
    assert [fit.step for fit in of_kind(events_of(once), FieldFitted)] == [2]
    intervals = of_kind(events_of(once), IntervalFinished)
    assert [event.guidance_loss is not None for event in intervals] == [False, True, True, True, False]
    assert intervals[0].steps_done == 0
    assert not torch.allclose(final(once), final(SHORT))


def test_cancelling_stops_within_a_pass_and_what_is_finished_can_be_resumed(inputs: EditInputs) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 21

    events = list(run(inputs, SHORT, run_id="three", cancelled=cancelled))
    last = events[-1]
    assert isinstance(last, RunFailed)
    assert last.cancelled
    assert asked == 22
    assert sys.float_info.min / 2 > 0.0, "denormals are as they were before"
    assert of_kind(events, InversionFinished)
    state = ResumeState(of_kind(events, InversionFinished)[0].trajectory)
    assert torch.equal(
        of_kind(list(run(inputs, SHORT, run_id="four", resume=state)), RunFinished)[0].latents, final(SHORT)
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: dataclasses.replace(state, trajectory=state.trajectory[:-1]),
        lambda state: dataclasses.replace(state, interval=2),
        lambda state: dataclasses.replace(state, interval=99, latents=state.trajectory[0]),
    ],
)
def test_a_resume_with_other_settings_is_refused(
    inputs: EditInputs, spoil: Callable[[ResumeState], ResumeState]
) -> None:
    state = spoil(ResumeState(of_kind(events_of(SHORT), InversionFinished)[0].trajectory))
    last = list(run(inputs, SHORT, run_id="five", resume=state))[-1]
    assert isinstance(last, RunFailed)
    assert not last.cancelled
    assert "continued" in last.title


def test_previews_are_predicted_pictures(inputs: EditInputs) -> None:
    spec = changed(SHORT, previews=True, method="independent", tau=4)
    (interval,) = of_kind(events_of(spec), IntervalFinished)
    assert interval.previews is not None
    assert interval.previews.shape == inputs.images.shape
    # At the last step the predicted clean latents are all but the final ones.
    images = torch.cat([event.images for event in of_kind(events_of(spec), ViewsDecoded)])
    torch.testing.assert_close(interval.previews, images, atol=0.05, rtol=0.0)


def test_it_runs_on_the_structure_of_sd15() -> None:
    spec = changed(SHORT, diffusion__steps=2, diffusion__guidance__stop_fraction=1.0, diffusion__guidance_scale=2.0)
    events = list(run(inputs_of(sd15_like()), spec, run_id="six"))
    assert isinstance(events[-1], RunFinished), events[-1]
    assert len(of_kind(events, FieldFitted)[0].rendered) == 9
    assert of_kind(events, IntervalFinished)[1].guidance_loss is not None
