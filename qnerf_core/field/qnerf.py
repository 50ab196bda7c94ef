"""QNeRF: query maps of many views, made consistent by one field with a density and a head per layer (method 1.4)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qnerf_core.errors import FieldError
from qnerf_core.field.footprints import Footprints
from qnerf_core.field.known_space import KnownSpace, know_space
from qnerf_core.field.qnerf_initial import principal_components, solve_head, splat
from qnerf_core.field.qnerf_network import QNeRFNetwork
from qnerf_core.field.qnerf_training import TrainingRays, train
from qnerf_core.field.rays import (
    Rays,
    Samples,
    bin_centres,
    box_interval,
    camera_rays,
    masses_around_depth,
    samples_from_masses,
    stratified_places,
)
from qnerf_core.field.settings import QNeRFSettings
from qnerf_core.scene.camera import Camera

_CHUNK = 4096
# Raw density of space nobody has seen: light passes, gradients too.
_THIN_FOG = -4.0


@dataclass(frozen=True)
class FitReport:
    """What a fit did.

    Attributes:
        losses: Loss of every iteration.
        seconds: Wall time.
        rays: Rays of all views.
        samples_per_ray: Samples along each.
        warm: Whether it started from an earlier fit.
        layer_errors: Per layer the root mean square difference between rendered and given queries, as a share of
            their standard deviation: how much the views disagree, and what the field cannot hold.
    """

    losses: tuple[float, ...]
    seconds: float
    rays: int
    samples_per_ray: int
    warm: bool
    layer_errors: tuple[float, ...]


class QNeRFTrainer:
    """Fits one QNeRF after another to the same views, each starting from the one before."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        bounds: np.ndarray,
        layer_shapes: Sequence[tuple[int, int, int]],
        settings: QNeRFSettings,
        seed: int,
        depth: Tensor | None = None,
        depth_valid: Tensor | None = None,
    ) -> None:
        """Place the rays and their samples, once for all fits.

        Args:
            cameras: V views; their images cover the same field of view as the query maps.
            bounds: (2, 3) box of the scene, metres.
            layer_shapes: (channels, height, width) of each query layer.
            settings: How to build and train.
            seed: Everything random follows from it.
            depth: (V, H, W) known depth along the viewing axes, metres, of any size.
            depth_valid: (V, H, W) bool; None for everywhere depth is positive.

        Raises:
            FieldError: If shapes do not fit together.
        """
        self._check(cameras, bounds, layer_shapes, depth, depth_valid)
        self.settings = settings
        self.seed = seed
        self.channels = tuple(shape[0] for shape in layer_shapes)
        self.sizes = tuple((shape[1], shape[2]) for shape in layer_shapes)
        self.views = len(cameras)
        self.fits = 0
        box = np.asarray(bounds, dtype=np.float64)
        self._diagonal = float(np.linalg.norm(box[1] - box[0]))
        self._footprints = Footprints.of(self.sizes)
        band = settings.depth_band * self._diagonal
        resolution = max(8, round(settings.grid_detail * max(self._footprints.height, self._footprints.width)))
        space = know_space(cameras, box, depth, depth_valid, resolution, band)
        rays = camera_rays(cameras, self._footprints.width, self._footprints.height)
        self._rays, self._cosines = self._place(rays, space, depth, depth_valid, band)
        # An opaque surface should stop a ray within a couple of samples.
        spacing = 2 * band / settings.near_samples
        self._network = QNeRFNetwork(box, resolution, self.channels, settings, density_scale=1 / spacing)
        known = (-space.signed_distance / spacing * 3).clamp(-6, 3)
        self._initial_density = torch.where(space.seen, known, _THIN_FOG)
        self._kept = self._network.grids.keep_met(1, self._rays.unit.flatten(0, 1))
        self._network.reset(self._generator())
        self._means = [torch.zeros(count) for count in self.channels]
        self._deviations = [torch.ones(count) for count in self.channels]
        self._rendered: tuple[Tensor, Tensor] | None = None

    def fit(self, queries: Sequence[Tensor], iterations: int | None = None) -> FitReport:
        """Fit the queries of all views.

        Args:
            queries: Per layer (V, channels, height, width).
            iterations: Steps; None for the settings' number of a first or later fit.

        Returns:
            What was done.

        Raises:
            FieldError: If the queries are not of the trainer's shapes or not finite.
        """
        fitting = self.fitting(queries, iterations)
        while True:
            try:
                next(fitting)
            except StopIteration as end:
                report: FitReport = end.value
                return report

    def fitting(
        self,
        queries: Sequence[Tensor],
        iterations: int | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> Generator[tuple[int, int], None, FitReport]:
        """Fit the queries of all views, an iteration with every value asked for.

        Args:
            queries: Per layer (V, channels, height, width).
            iterations: Steps; None for the settings' number of a first or later fit.
            cancelled: Asked before every iteration.

        Yields:
            Iterations that are done, and how many there will be.

        Returns:
            What was done.

        Raises:
            FieldError: If the queries are not of the trainer's shapes or not finite.
            Cancelled: When `cancelled` says so; load an earlier state before going on.
        """
        started = time.perf_counter()
        self._check_queries(queries)
        warm = self.fits > 0
        if iterations is None:
            iterations = self.settings.warm_iterations if warm else self.settings.iterations
        # Features decay into denormals, on which the CPU is many times slower. The switch is the thread's, for good:
        # torch cannot tell how it stood before.
        torch.set_flush_denormal(True)
        self.fits += 1
        self._rendered = None
        generator = self._generator()
        targets = self._standardise(queries)
        if not warm:
            self._begin(targets, generator)
        self._solve_heads(self._composite()[0], targets, rounds=1)
        sigma = self.settings.depth_sigma * self._diagonal
        rays, footprints = self._rays, self._footprints
        losses: list[float] = []
        steps = train(self._network, rays, footprints, targets, self.settings, sigma, iterations, generator, cancelled)
        for loss in steps:
            losses.append(loss)
            yield len(losses), iterations
        features, distance = self._composite()
        self._solve_heads(features, targets, rounds=3 if self.settings.loss == "norm" else 1)
        self._rendered = features, distance
        errors = tuple(
            float((self._standard_queries(features, layer) - target).square().mean().sqrt())
            for layer, target in enumerate(targets)
        )
        seconds = time.perf_counter() - started
        count, samples = rays.samples.distances.shape
        return FitReport(tuple(losses), seconds, count, samples, warm, errors)

    def render(self, views: Sequence[int] | None = None) -> list[Tensor]:
        """Render the queries of views.

        Args:
            views: Indices into the cameras; None for all.

        Returns:
            Per layer (views, channels, height, width), in the scale of the fitted queries.
        """
        features, _ = self._cached()
        chosen = features.view(self.views, -1, features.shape[1])
        if views is not None:
            chosen = chosen[list(views)]
        maps = []
        with torch.no_grad():
            for layer, size in enumerate(self.sizes):
                standard = self._standard_queries(chosen.flatten(0, 1), layer)
                cells = standard * self._deviations[layer] + self._means[layer]
                maps.append(self._footprints.maps(cells, layer, size))
        return maps

    def render_depth(self, views: Sequence[int] | None = None) -> Tensor:
        """Render the expected depth at the finest query grid.

        Args:
            views: Indices into the cameras; None for all.

        Returns:
            (views, height, width) along the viewing axes, metres; zero where a ray meets nothing.
        """
        _, distance = self._cached()
        grid = self._footprints
        depth = (distance * self._cosines).view(-1, 1)
        layout = Footprints(grid.height, grid.width, grid.block, (1,))
        maps = layout.maps(depth, 0, (grid.height, grid.width))[:, 0]
        return maps if views is None else maps[list(views)]

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything a restart needs, tensors only (copies)."""
        state = {f"network.{name}": value.detach().clone() for name, value in self._network.state_dict().items()}
        for layer, (mean, deviation) in enumerate(zip(self._means, self._deviations, strict=True)):
            state[f"mean.{layer}"] = mean.clone()
            state[f"deviation.{layer}"] = deviation.clone()
        state["fits"] = torch.tensor(self.fits)
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a state of a trainer that was built from the same arguments.

        Args:
            state: Of `state_dict`.

        Raises:
            FieldError: If it is of another trainer.
        """
        own = self.state_dict()
        if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in state.items()}:
            raise FieldError("The QNeRF cannot be restored", "its state is of other views, layers or settings")
        prefix = "network."
        self._network.load_state_dict({k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)})
        self._means = [state[f"mean.{layer}"].clone() for layer in range(len(self.channels))]
        self._deviations = [state[f"deviation.{layer}"].clone() for layer in range(len(self.channels))]
        self.fits = int(state["fits"])
        self._rendered = None

    def _generator(self) -> torch.Generator:
        # A new one per fit, so that a restart needs no generator state.
        return torch.Generator().manual_seed(self.seed * 1_000_003 + self.fits)

    def _place(
        self, rays: Rays, space: KnownSpace, depth: Tensor | None, valid: Tensor | None, band: float
    ) -> tuple[TrainingRays, Tensor]:
        settings, grid = self.settings, self._footprints
        count = settings.samples_without_depth
        near_share = 1.0
        target = torch.zeros(len(rays))
        known = torch.zeros(len(rays), dtype=torch.bool)
        if depth is not None:
            count = settings.near_samples + settings.other_samples
            near_share = settings.near_samples / count
            target, known = _depth_of_cells(depth, valid, grid.height, grid.width)
            target = target / rays.cosines
        order = grid.to_blocks(torch.arange(len(rays)))
        rays, target, known = rays[order], target[order], known[order]
        generator = self._generator()
        units, distances, lengths = [], [], []
        for start in range(0, len(rays), _CHUNK):
            part = slice(start, start + _CHUNK)
            near, far = box_interval(rays[part], space.bounds)
            centres = bin_centres(near, far)
            points = rays.origins[part, None] + centres[..., None] * rays.directions[part, None]
            masses = masses_around_depth(
                centres, space.occupied_at(points), target[part], known[part], band, near_share
            )
            places = stratified_places(len(near), count, generator)
            placed = samples_from_masses(near, far, masses, places)
            points = rays.origins[part, None] + placed.distances[..., None] * rays.directions[part, None]
            units.append((points - space.bounds[0]) / (space.bounds[1] - space.bounds[0]))
            distances.append(placed.distances)
            lengths.append(placed.lengths)
        samples = Samples(torch.cat(distances), torch.cat(lengths))
        return TrainingRays(torch.cat(units), samples, target, known), rays.cosines

    def _standardise(self, queries: Sequence[Tensor]) -> list[Tensor]:
        targets = []
        for layer, maps in enumerate(queries):
            values = maps.detach().to(torch.float32)
            deviation, mean = torch.std_mean(values, dim=(0, 2, 3), correction=0)
            self._means[layer], self._deviations[layer] = mean, deviation.clamp(min=1e-6)
            standard = (values - mean[:, None, None]) / self._deviations[layer][:, None, None]
            targets.append(self._footprints.targets(standard, layer))
        return targets

    @torch.no_grad()
    def _begin(self, targets: Sequence[Tensor], generator: torch.Generator) -> None:
        # The geometry is mostly known and averages of what the views see of a place are close to the answer, so the
        # first fit starts there; only Adam's refinement remains.
        network = self._network
        network.reset(generator)
        table = network.grids.tables[-1]
        table.zero_()
        table[1:, 0] = self._initial_density[self._kept]
        components = principal_components(targets, self._footprints, self.sizes, network.explicit, generator)
        weights = torch.cat([network.composite(part.unit, part.samples).weights for part in self._parts()])
        table[1:, 1:] = splat(components, self._rays.unit, weights, network.grids.shapes[-1])[self._kept]

    def _parts(self) -> list[TrainingRays]:
        rays = self._rays
        parts = []
        for start in range(0, len(rays.known), _CHUNK):
            part = slice(start, start + _CHUNK)
            samples = Samples(rays.samples.distances[part], rays.samples.lengths[part])
            parts.append(TrainingRays(rays.unit[part], samples, rays.target[part], rays.known[part]))
        return parts

    @torch.no_grad()
    def _composite(self) -> tuple[Tensor, Tensor]:
        rendered = [self._network.composite(part.unit, part.samples) for part in self._parts()]
        return torch.cat([r.features for r in rendered]), torch.cat([r.distance for r in rendered])

    def _cached(self) -> tuple[Tensor, Tensor]:
        if self._rendered is None:
            self._rendered = self._composite()
        return self._rendered

    @torch.no_grad()
    def _solve_heads(self, features: Tensor, targets: Sequence[Tensor], rounds: int) -> None:
        for layer, target in enumerate(targets):
            pooled = self._footprints.pool(features, layer)
            weight, bias = solve_head(pooled, target, rounds)
            self._network.set_head(layer, weight, bias)

    @torch.no_grad()
    def _standard_queries(self, features: Tensor, layer: int) -> Tensor:
        queries: Tensor = self._network.heads[layer](self._footprints.pool(features, layer))
        return queries

    def _check_queries(self, queries: Sequence[Tensor]) -> None:
        wanted = [(self.views, c, *size) for c, size in zip(self.channels, self.sizes, strict=True)]
        given = [tuple(maps.shape) for maps in queries]
        if given != wanted:
            raise FieldError("The queries do not fit the QNeRF", f"they are of shapes {given}, not {wanted}")
        if not all(bool(torch.isfinite(maps).all()) for maps in queries):
            raise FieldError("The queries cannot be fitted", "some are not finite", "lower the guidance")

    @staticmethod
    def _check(
        cameras: Sequence[Camera],
        bounds: np.ndarray,
        layer_shapes: Sequence[tuple[int, int, int]],
        depth: Tensor | None,
        valid: Tensor | None,
    ) -> None:
        if not cameras or not layer_shapes:
            raise FieldError("A QNeRF needs views and query layers", "there are none")
        box = np.asarray(bounds)
        if box.shape != (2, 3) or not bool((box[1] > box[0]).all()):
            raise FieldError("A QNeRF needs the bounds of the scene", f"{box.tolist()} is not a box")
        for name, maps in (("depth", depth), ("validity of depth", valid)):
            if maps is not None and (maps.ndim != 3 or len(maps) != len(cameras)):
                raise FieldError(f"The {name} does not fit the views", f"{tuple(maps.shape)}, {len(cameras)} views")


def _depth_of_cells(depth: Tensor, valid: Tensor | None, height: int, width: int) -> tuple[Tensor, Tensor]:
    # The value at the middle of each cell, since that is where its ray goes; a mean across an edge is no surface.
    rows = ((torch.arange(height) + 0.5) * depth.shape[1] / height).long()
    columns = ((torch.arange(width) + 0.5) * depth.shape[2] / width).long()
    known = depth > 0 if valid is None else valid & (depth > 0)
    index = (slice(None), rows[:, None], columns[None, :])
    return depth[index].to(torch.float32).flatten(), known[index].flatten()
