"""One attempt at an edit: every pass through the network, with a number of views at once that stays the same."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass

import torch

from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.guidance import GuidanceTargets, guide
from qnerf_core.diffusion.inversion import SourceFeatures, invert
from qnerf_core.diffusion.memory import fitting_batch
from qnerf_core.editing.background import KeptBackground
from qnerf_core.editing.bookkeeping import Bookkeeping, peak_memory_mb
from qnerf_core.editing.details import DraftDetails, finished
from qnerf_core.editing.disagreement import PixelProbe, SurfaceProbe
from qnerf_core.editing.events import (
    Event,
    FieldFitted,
    IntervalFinished,
    InversionFinished,
    RunFinished,
    RunStarted,
    ViewsDecoded,
)
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.intervals import Interval, plan_intervals
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import Cancelled, RunError
from qnerf_core.field.qnerf import FitReport, QNeRFTrainer

_REPORTS_OF_A_FIT = 20


@dataclass(frozen=True, eq=False)
class ResumeState:
    """Where a run goes on, from the events of the one that was stopped.

    Attributes:
        trajectory: Of InversionFinished.
        interval: Index of the last finished interval, -1 if there is none.
        latents: Of its IntervalFinished; None if there is none.
        field_state: Of its IntervalFinished.
    """

    trajectory: torch.Tensor
    interval: int = -1
    latents: torch.Tensor | None = None
    field_state: Mapping[str, torch.Tensor] | None = None


class Attempt:
    """Holds what one attempt computes: the latents of all views, the inversion, the field.

    Attributes:
        batch_size: Views at once.
        reached: Where another attempt can go on; None before the inversion is finished.
    """

    def __init__(
        self, inputs: EditInputs, spec: EditSpec, run_id: str, cancelled: Callable[[], bool] | None, most: int
    ) -> None:
        """Plan the intervals, and how many views at once fit into the memory that is free.

        Args:
            inputs: What is edited.
            spec: How.
            run_id: Put into every event.
            cancelled: Asked before every pass through the network and every iteration of a fit.
            most: No more views at once than this.
        """
        self.inputs = inputs
        self.spec = spec
        self.run_id = run_id
        self.cancelled = cancelled
        self.backbone = inputs.backbone
        self.denoiser = Denoiser(
            self.backbone, spec.diffusion, inputs.prompt, source_prompt=inputs.source_prompt, check=self._check
        )
        self.views = len(inputs.views)
        reduction = self.backbone.vae_reduction
        self.latent_size = (inputs.images.shape[2] // reduction, inputs.images.shape[3] // reduction)
        guided = spec.method == "qnerf" and not spec.hard_injection
        fitting = fitting_batch(self.backbone, self.latent_size, spec.diffusion, gradient=guided)
        size = self.batch_size = min(most, fitting)
        self.batches = [slice(start, min(start + size, self.views)) for start in range(0, self.views, size)]
        self.reached: ResumeState | None = None
        self.shapes = tuple(layer.shape(self.latent_size) for layer in self.denoiser.layers)
        self.plan = plan_intervals(
            spec.steps, spec.tau, spec.stop_step, consolidate=spec.method == "qnerf", progressive=spec.progressive
        )
        self.books = Bookkeeping(run_id, spec, self.plan, self.views)
        # Made with the embedded controls.
        self.sources: SourceFeatures
        self.probe = SurfaceProbe.of(inputs.surface_points, inputs.cameras, inputs.depth.numpy())
        self.pixel_probe = PixelProbe(inputs.cameras, inputs.depth.numpy())
        self.trajectory = torch.empty(0)
        self.latents = torch.empty(0)
        self.background: KeptBackground | None = None
        self.details = DraftDetails.of(inputs, spec.diffusion)
        self._made_biases: dict[int, dict[int, torch.Tensor]] = {}
        self.controls: list[torch.Tensor] = []
        self.source_controls: list[torch.Tensor | None] = [None] * len(self.batches)
        self.trainer: QNeRFTrainer | None = None
        self.targets: GuidanceTargets | None = None

    def events(self, resume: ResumeState | None) -> Iterator[Event]:
        """Do everything, in order.

        Args:
            resume: Go on from here.

        Yields:
            The events of `events.py`.

        Raises:
            Cancelled: When `cancelled` says so.
            RunError: What `resume` holds is of another run.
        """
        first = 0 if resume is None else resume.interval + 1
        yield RunStarted(
            self.run_id,
            self.spec,
            self.inputs.views,
            self.plan,
            first,
            self.denoiser.schedule.timesteps,
            tuple(layer.name for layer in self.denoiser.layers),
            self.shapes,
            self.inputs.prompt,
            (int(self.inputs.images.shape[2]), int(self.inputs.images.shape[3])),
        )
        with self.books.timed("encoding"):
            self.controls = [self.backbone.embed_control(self.inputs.controls[batch]) for batch in self.batches]
            if self.denoiser.describes_sources:
                shown = self.inputs.source_controls
                self.source_controls = [self.backbone.embed_control(shown[batch]) for batch in self.batches]
        self.sources = SourceFeatures(self.denoiser, self.batches, self.latent_size, self.source_controls)
        if resume is None:
            yield from self._invert()
        else:
            self._restore(resume)
        if self.inputs.region is not None:
            self.background = KeptBackground(
                self.inputs.region, self.inputs.images, self.trajectory, self.backbone.decode_latents
            )
        for interval in self.plan[first:]:
            yield from self._interval(interval)
        yield from self._decode()
        yield RunFinished(
            self.run_id, self.latents, dict(self.books.seconds), peak_memory_mb(), dict(self.denoiser.calls)
        )

    def _check(self) -> None:
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("The edit was stopped", next_step="What is finished is kept; resume to go on from there.")

    def _invert(self) -> Iterator[Event]:
        steps = self.spec.steps
        self.trajectory = torch.empty((steps + 1, self.views, 4, *self.latent_size))
        for batch in self.batches:
            self._check()
            with self.books.timed("encoding"):
                self.trajectory[steps, batch] = self.backbone.encode_images(self.inputs.images[batch]).float().cpu()
            yield self.books.advance("encoding", batch.stop, batch.stop - batch.start)
        self.denoiser.stage = "inversion"
        runs = [
            invert(self.denoiser, self._on_device(self.trajectory[steps, batch]), self._keeper(index), control)
            for index, (batch, control) in enumerate(zip(self.batches, self.source_controls, strict=True))
        ]
        for step in reversed(range(steps)):
            for batch, inversion in zip(self.batches, runs, strict=True):
                with self.books.timed("inversion"):
                    level, latents = next(inversion)
                    self.trajectory[level, batch] = latents.float().cpu()
                yield self.books.advance("inversion", batch.stop, batch.stop - batch.start, step=step)
        self.latents = self._start()
        self.reached = ResumeState(self.trajectory)
        yield InversionFinished(self.run_id, self.trajectory, self.books.since_last())

    def _keeper(self, batch: int) -> Callable[[int, tuple[torch.Tensor, ...]], None]:
        return lambda step, features: self.sources.keep(batch, step, features)

    def _restore(self, resume: ResumeState) -> None:
        expected = (self.spec.steps + 1, self.views, 4, *self.latent_size)
        shapes = [tuple(resume.trajectory.shape) == expected]
        if resume.latents is not None:
            shapes.append(tuple(resume.latents.shape) == expected[1:])
        if (
            not all(shapes)
            or not -1 <= resume.interval < len(self.plan)
            or (resume.interval >= 0) != (resume.latents is not None)
        ):
            raise RunError(
                "This run cannot be continued",
                "what it left behind is of other views, steps or intervals",
                "Resume it with the settings it was started with.",
            )
        self.trajectory = resume.trajectory
        self.latents = self._start() if resume.latents is None else resume.latents.clone()
        if resume.field_state is not None:
            with self.books.timed("qnerf"):
                self.trainer = self._new_trainer()
                self.trainer.load_state_dict(resume.field_state)
                self.targets = GuidanceTargets.of(self.trainer.render())
        self.books.skip_to(resume.interval + 1)

    def _interval(self, interval: Interval) -> Iterator[Event]:
        clean = torch.empty_like(self.latents)
        recorded = [torch.empty((self.views, *shape)) for shape in self.shapes]
        losses: list[torch.Tensor] = []
        for step in interval.kept:
            yield from self._keep_step(interval, step, clean, recorded, losses)
            self.sources.release_before(step + 1)
        if interval.look_ahead:
            yield from self._look_ahead(interval)
        previews = None
        if interval.kept and self.spec.previews:
            parts = []
            for batch in self.batches:
                self._check()
                with self.books.timed("decoding"):
                    parts.append(self._pictures(clean[batch], batch))
                size = batch.stop - batch.start
                yield self.books.advance("decoding", batch.stop, size, interval=interval.index)
            previews = torch.cat(parts)
        needed = any(later.guided for later in self.plan[interval.index + 1 :])
        latents = self.latents.clone()
        field_state = self.trainer.state_dict() if self.trainer is not None and needed else None
        self.reached = ResumeState(self.trajectory, interval.index, latents, field_state)
        yield IntervalFinished(
            self.run_id,
            interval.index,
            interval.stop,
            latents,
            field_state,
            previews,
            self.probe.disagreements(recorded) if interval.kept else (),
            float(torch.cat(losses).mean()) if losses else None,
            self.books.since_last(),
        )

    def _keep_step(
        self,
        interval: Interval,
        step: int,
        clean: torch.Tensor,
        recorded: list[torch.Tensor],
        losses: list[torch.Tensor],
    ) -> Iterator[Event]:
        last = step == interval.stop - 1
        targets = self.targets if step in interval.guided else None
        for index, batch in enumerate(self.batches):
            size = batch.stop - batch.start
            latents = self._on_device(self.latents[batch])
            hard = None
            with self.books.timed("kept"):
                self.denoiser.stage = "kept"
                source = self.sources.get(index, step, self.trajectory)
            if targets is not None and self.spec.hard_injection:
                hard = targets.views(batch, latents.device, latents.dtype)
            elif targets is not None:
                with self.books.timed("guidance"):
                    self.denoiser.stage = "guidance"
                    latents, loss = guide(
                        self.denoiser, latents, step, self.controls[index], source, targets, batch, self._biases(batch)
                    )
                    latents = self._kept(latents, step, batch)
                    losses.append(loss.float().cpu())
                yield self.books.advance("guidance", batch.stop, size, interval=interval.index, step=step)
            with self.books.timed("kept"):
                self.denoiser.stage = "kept"
                result = self.denoiser.step(
                    latents,
                    step,
                    self.controls[index],
                    source,
                    biases=self._biases(batch),
                    hard_queries=hard,
                    record=last,
                )
                self.latents[batch] = self._kept(result.latents.float().cpu(), step + 1, batch)
                clean[batch] = result.clean.float().cpu()
                for layer, queries in zip(recorded, result.queries, strict=False):
                    layer[batch] = queries.float().cpu()
            yield self.books.advance("kept", batch.stop, size, interval=interval.index, step=step)

    def _look_ahead(self, interval: Interval) -> Iterator[Event]:
        """Let the queries develop, record them, fit the next QNeRF. The kept latents are not touched (the rewind)."""
        latents = self.latents.clone()
        recorded = [torch.empty((self.views, *shape)) for shape in self.shapes]
        for step in interval.look_ahead:
            for index, batch in enumerate(self.batches):
                with self.books.timed("look-ahead"):
                    self.denoiser.stage = "look-ahead"
                    source = self.sources.get(index, step, self.trajectory)
                    view_latents = self._on_device(latents[batch])
                    if step == interval.record_step:
                        with torch.no_grad():
                            queries = self.denoiser.queries(
                                view_latents, step, self.controls[index], source, biases=self._biases(batch)
                            )
                        for layer, layer_queries in zip(recorded, queries, strict=True):
                            layer[batch] = layer_queries.float().cpu()
                    else:
                        result = self.denoiser.step(
                            view_latents, step, self.controls[index], source, biases=self._biases(batch)
                        )
                        latents[batch] = self._kept(result.latents.float().cpu(), step + 1, batch)
                size = batch.stop - batch.start
                yield self.books.advance("look-ahead", batch.stop, size, interval=interval.index, step=step)
        before = self.books.seconds["qnerf"]
        with self.books.timed("qnerf"):
            if self.trainer is None:
                self.trainer = self._new_trainer()
        report = yield from self._fit(self.trainer, interval, recorded)
        with self.books.timed("qnerf"):
            rendered = self.trainer.render()
            self.targets = GuidanceTargets.of(rendered)
        yield FieldFitted(
            self.run_id,
            interval.index,
            interval.look_ahead[-1],
            report.losses,
            report.layer_errors,
            self.probe.disagreements(recorded),
            self.probe.disagreements(rendered, share_of=recorded),
            tuple(recorded),
            tuple(rendered),
            self.books.seconds["qnerf"] - before,
            tuple(self.pixel_probe.maps(layer) for layer in recorded),
            self.trainer.render_depth(),
        )

    def _fit(
        self, trainer: QNeRFTrainer, interval: Interval, recorded: list[torch.Tensor]
    ) -> Generator[Event, None, FitReport]:
        """Fit the field, telling how far it is a number of times."""
        yield self.books.spent("qnerf", 0.0, 0, interval=interval.index)
        fitting, told = trainer.fitting(recorded, cancelled=self.cancelled), 0
        while True:
            try:
                with self.books.timed("qnerf"):
                    done, count = next(fitting)
            except StopIteration as end:
                report: FitReport = end.value
                break
            if done - told >= max(1, count // _REPORTS_OF_A_FIT):
                yield self.books.spent("qnerf", self.books.iteration_cost * (done - told), 0, interval=interval.index)
                told = done
        rest = self.books.fit_cost(interval) - self.books.iteration_cost * told
        yield self.books.spent("qnerf", rest, self.views, interval=interval.index)
        return report

    def _decode(self) -> Iterator[Event]:
        for batch in self.batches:
            self._check()
            with self.books.timed("decoding"):
                images = self._pictures(self.latents[batch], batch)
            yield self.books.advance("decoding", batch.stop, batch.stop - batch.start)
            yield ViewsDecoded(self.run_id, self.inputs.views[batch], images)

    def _new_trainer(self) -> QNeRFTrainer:
        return QNeRFTrainer(
            self.inputs.cameras,
            self.inputs.bounds,
            self.shapes,
            self.spec.qnerf,
            self.spec.seed,
            self.inputs.depth,
            self.inputs.depth_valid,
        )

    def _start(self) -> torch.Tensor:
        signal = self.denoiser.schedule.alphas[0] ** 0.5
        parts = []
        for batch in self.batches:
            self._check()
            with self.books.timed("encoding"):
                parts.append(self.inputs.start(self.trajectory, signal, batch))
        return torch.cat(parts)

    def _biases(self, batch: slice) -> dict[int, torch.Tensor] | None:
        """What leads the injection into a batch's views."""
        if self.inputs.maps is None:
            return None
        found = self._made_biases.get(batch.start)
        if found is None:
            made = self.inputs.maps.biases(batch, self.denoiser.injected_layers)
            found = {reduction: self._on_device(bias).to(self.backbone.dtype) for reduction, bias in made.items()}
            kept = sum(bias.nbytes for made in (*self._made_biases.values(), found) for bias in made.values())
            if kept <= self.spec.diffusion.injection.memory_limit_mb * 1e6:
                self._made_biases[batch.start] = found
        return found

    def _kept(self, latents: torch.Tensor, level: int, batch: slice) -> torch.Tensor:
        return latents if self.background is None else self.background.latents(latents, level, batch)

    def _pictures(self, latents: torch.Tensor, batch: slice) -> torch.Tensor:
        return finished(self.backbone.decode_latents(latents).cpu(), batch, self.details, self.background)

    def _on_device(self, latents: torch.Tensor) -> torch.Tensor:
        return latents.to(self.backbone.device)
