"""What a running edit reports: typed, frozen, each with the run's id.

Order of a whole run: RunStarted, InversionFinished, then per interval (FieldFitted), IntervalFinished, then
ViewsDecoded for every batch of views, RunFinished. StageProgress comes anywhere between. RunFailed ends a run that an
error or a cancellation stopped; nothing follows it. A resumed run sends RunStarted again, but no interval that it did
not do itself. Tensors are on the CPU, float32, and must not be written to. Views are always in the order of
`RunStarted.views`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qnerf_core.editing.intervals import Interval
from qnerf_core.editing.spec import EditSpec

if TYPE_CHECKING:
    import torch

Stage = Literal["encoding", "inversion", "kept", "guidance", "look-ahead", "qnerf", "decoding"]


@dataclass(frozen=True, eq=False)
class Event:
    """Base of all events.

    Attributes:
        run_id: The run it belongs to.
    """

    run_id: str


@dataclass(frozen=True, eq=False)
class RunStarted(Event):
    """The first event.

    Attributes:
        spec: Every choice.
        views: Names of the edited views, in the order used by every tensor of the run.
        intervals: The plan, all intervals from the first on, also those a resumed run has behind it.
        first_interval: Index of the first interval that this run does itself (0 unless resumed).
        timesteps: The diffusion's timesteps, one for each step, from noise to picture.
        query_layers: Names in the network of the query layers that guide; "per query layer" means these.
        query_shapes: (channels, height, width) of each of them.
        prompt: The prompt actually used.
        image_size: (height, width) of the pictures in pixels.
    """

    spec: EditSpec
    views: tuple[str, ...]
    intervals: tuple[Interval, ...]
    first_interval: int
    timesteps: tuple[int, ...]
    query_layers: tuple[str, ...]
    query_shapes: tuple[tuple[int, int, int], ...]
    prompt: str
    image_size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class StageProgress(Event):
    """Something moved on.

    Attributes:
        stage: What is being done.
        interval: Index of the interval, None outside of them.
        intervals: How many there are.
        step: Index of the diffusion step, None where there is none.
        views_done: Views that have this step behind them.
        views: How many there are.
        fraction: Share of the whole run's expected work that is done, 0 to 1, never falling.
    """

    stage: Stage
    interval: int | None
    intervals: int
    step: int | None
    views_done: int
    views: int
    fraction: float


@dataclass(frozen=True, eq=False)
class InversionFinished(Event):
    """All views are inverted; a run can be resumed from here.

    Attributes:
        trajectory: (steps + 1, V, 4, h, w); [0] is the noise end, [steps] the clean latents.
        seconds: By stage.
    """

    trajectory: torch.Tensor
    seconds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class FieldFitted(Event):
    """A QNeRF was fitted to the queries of an interval's look-ahead.

    Attributes:
        interval: Index of the interval.
        step: The step whose queries were recorded.
        losses: Loss over the iterations.
        layer_errors: Per query layer, RMS of rendered minus recorded queries as a share of their standard deviation.
        disagreement: Per query layer: variance of the recorded queries between views at the same points of the body,
            as a share of the layer's whole variance (0: all views agree).
        rendered_disagreement: The same of the rendered queries, as a share of the same whole variance.
        queries: Per layer (V, C, h, w), recorded.
        rendered: Per layer (V, C, h, w), rendered from the QNeRF.
        seconds: Of the fit and the rendering.
        disagreement_maps: Per layer (V, h, w), the disagreement of the recorded queries at every pixel; zero where the
            depth is unknown or no other view sees the point.
        depth: (V, h, w) rendered from the QNeRF at the finest query grid, metres along the viewing axis.
    """

    interval: int
    step: int
    losses: tuple[float, ...]
    layer_errors: tuple[float, ...]
    disagreement: tuple[float, ...]
    rendered_disagreement: tuple[float, ...]
    queries: tuple[torch.Tensor, ...]
    rendered: tuple[torch.Tensor, ...]
    seconds: float
    disagreement_maps: tuple[torch.Tensor, ...]
    depth: torch.Tensor


@dataclass(frozen=True, eq=False)
class IntervalFinished(Event):
    """An interval is done; a run can be resumed from here.

    Attributes:
        interval: Its index.
        steps_done: Steps of the kept trajectory that are done.
        latents: (V, 4, h, w) after those steps (the cache that the next interval starts from).
        field_state: State of the QNeRF, None if no later interval needs one.
        previews: (V, 3, H, W) in [0, 1], the predicted clean pictures; None if the interval kept no step or they are
            switched off.
        disagreement: Per query layer, of the queries of the last kept step (see FieldFitted); empty if none was kept.
        guidance_loss: Mean over guided views and steps of the query loss before the gradient step; None if unguided.
        seconds: By stage.
    """

    interval: int
    steps_done: int
    latents: torch.Tensor
    field_state: Mapping[str, torch.Tensor] | None
    previews: torch.Tensor | None
    disagreement: tuple[float, ...]
    guidance_loss: float | None
    seconds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class ViewsDecoded(Event):
    """Final pictures of some views.

    Attributes:
        views: Their names.
        images: (len(views), 3, H, W) in [0, 1].
    """

    views: tuple[str, ...]
    images: torch.Tensor


@dataclass(frozen=True, eq=False)
class RunFinished(Event):
    """The last event of a run that went well.

    Attributes:
        latents: (V, 4, h, w), final.
        seconds: By stage, of this process (a resumed run counts what it did itself).
        peak_memory_mb: Largest resident size of the process so far.
        denoiser_calls: Calls of the network times views in the call, by stage.
    """

    latents: torch.Tensor
    seconds: Mapping[str, float]
    peak_memory_mb: float
    denoiser_calls: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class RunFailed(Event):
    """The last event of a run that an error or a cancellation stopped.

    Attributes:
        title: What went wrong.
        cause: Why.
        next_step: What to do.
        cancelled: It was asked to stop.
    """

    title: str
    cause: str
    next_step: str
    cancelled: bool
