"""The network of a radiance field, and the density grid that tells where to sample it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qnerf_core.field.compositing import composite, sample_weights, sample_weights_torch
from qnerf_core.field.grids import FeatureGrids, grid_shape
from qnerf_core.field.known_space import grid_points
from qnerf_core.field.rays import (
    Rays,
    Samples,
    bin_centres,
    box_interval,
    samples_from_masses,
    stratified_places,
)
from qnerf_core.field.settings import RadianceSettings

_GEOMETRY = 15
# The finest step a density can make opaque is far below a pixel; beyond this only overflow would follow.
_LARGEST_LOG_DENSITY = 8.0
_EXPLORED = 0.15


@dataclass(frozen=True, eq=False)
class RenderedRays:
    """Colours of rays and what they are made of.

    Attributes:
        rgb: (rays, 3), what passes through everything painted on the box.
        distance: (rays,) expected distance of what is hit, metres.
        opacity: (rays,) in [0, 1].
        weights: (rays, samples).
        samples: Distances and lengths of the samples, metres.
    """

    rgb: Tensor
    distance: Tensor
    opacity: Tensor
    weights: Tensor
    samples: Samples


class RadianceNetwork(nn.Module):
    """Maps points to density and colour, and renders rays.

    Samples are placed by a coarse grid of the network's own density, refreshed now and then: the occupancy grid of
    instant-ngp with values instead of bits, so that most samples fall where a ray ends.
    """

    bounds: Tensor
    known_density: Tensor

    def __init__(self, bounds: np.ndarray, settings: RadianceSettings) -> None:
        super().__init__()
        box = torch.from_numpy(np.asarray(bounds, dtype=np.float32))
        levels = len(settings.resolutions)
        self.settings = settings
        self.grids = FeatureGrids(bounds, settings.resolutions, (settings.features,) * levels, settings.max_rows)
        self.geometry = nn.Sequential(
            nn.Linear(levels * settings.features, settings.hidden_width),
            nn.ReLU(),
            nn.Linear(settings.hidden_width, 1 + _GEOMETRY),
        )
        self.colouring = nn.Sequential(
            nn.Linear(_GEOMETRY + 3 * settings.view_dependence, settings.hidden_width),
            nn.ReLU(),
            nn.Linear(settings.hidden_width, 3),
        )
        self.register_buffer("bounds", box)
        self.shape = grid_shape(np.asarray(bounds), settings.occupancy_resolution)
        self.register_buffer("known_density", torch.ones(self.shape[0] * self.shape[1] * self.shape[2]))
        self.extent = float((box[1] - box[0]).max())
        self.near = settings.near * float((box[1] - box[0]).norm())

    def reset(self, generator: torch.Generator) -> None:
        """Draw all weights anew.

        Args:
            generator: Source of the draw.
        """
        self.grids.reset(generator, 0.05)
        with torch.no_grad():
            for part in (self.geometry, self.colouring):
                for layer in part:
                    if isinstance(layer, nn.Linear):
                        bound = (3 / layer.in_features) ** 0.5
                        layer.weight.uniform_(-bound, bound, generator=generator)
                        layer.bias.zero_()
            self.known_density.fill_(1.0)

    def density(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate the geometry of points.

        Args:
            points: (points, 3) world positions, metres.

        Returns:
            Density (points,) per metre and features (points, 15) for their colours.
        """
        unit = (points - self.bounds[0]) / (self.bounds[1] - self.bounds[0])
        raw = self.geometry(self.grids(unit))
        return raw[:, 0].clamp(max=_LARGEST_LOG_DENSITY).exp() / self.extent, raw[:, 1:]

    def colours(self, features: Tensor, directions: Tensor) -> Tensor:
        """Return the colours of points.

        Args:
            features: (points, 15) of `density`.
            directions: (points, 3) from which they are seen, unit length; not looked at without view dependence.

        Returns:
            (points, 3) RGB in [0, 1].
        """
        if self.settings.view_dependence:
            features = torch.cat([features, directions], dim=-1)
        return torch.sigmoid(self.colouring(features))

    def place_samples(self, rays: Rays, generator: torch.Generator | None) -> Samples:
        """Place samples where rays are likely to end, and a few elsewhere.

        Args:
            rays: R rays.
            generator: Source of jitter; None for none.
        """
        near, far = box_interval(rays, self.bounds)
        near = near.clamp(min=self.near)
        centres = bin_centres(near, far)
        points = rays.origins[:, None] + centres[..., None] * rays.directions[:, None]
        scale = (torch.tensor(self.shape) - 1) / (self.bounds[1] - self.bounds[0])
        upper = torch.tensor(self.shape) - 1
        index = torch.minimum(((points - self.bounds[0]) * scale + 0.5).clamp(min=0), upper).to(torch.int32)
        flat = (index[..., 0] * self.shape[1] + index[..., 1]) * self.shape[2] + index[..., 2]
        step = ((far - near).clamp(min=0) / centres.shape[1])[:, None]
        weights = sample_weights_torch(self.known_density[flat], step.expand_as(flat))
        # The grid knows a surface only to the nearest node.
        likely = F.max_pool1d(weights[:, None], 5, stride=1, padding=2)[:, 0]
        likely = likely / likely.sum(-1, keepdim=True).clamp(min=1e-6)
        masses = (1 - _EXPLORED) * likely + _EXPLORED / centres.shape[1]
        places = stratified_places(len(rays), self.settings.samples_per_ray, generator)
        return samples_from_masses(near, far, masses, places)

    def render(self, rays: Rays, generator: torch.Generator | None) -> RenderedRays:
        """Render rays.

        Args:
            rays: R rays.
            generator: Source of the samples' jitter; None for none.
        """
        with torch.no_grad():
            samples = self.place_samples(rays, generator)
        # What passes through everything ends on the box: every pixel of a picture shows something, and on the box it
        # is as far away as it can be. A colour of its own for the background makes fog of what should be walls.
        ends = torch.cat([samples.distances, box_interval(rays, self.bounds)[1][:, None]], dim=1)
        count = ends.shape[1]
        points = rays.origins[:, None] + ends[..., None] * rays.directions[:, None]
        density, features = self.density(points.flatten(0, 1))
        inner = sample_weights(density.view(-1, count)[:, :-1], samples.distances, samples.lengths)
        opacity = inner.sum(-1)
        weights = torch.cat([inner, (1 - opacity)[:, None]], dim=1)
        colours = self.colours(features, rays.directions.repeat_interleave(count, dim=0))
        rgb = composite(weights, colours.view(-1, count, 3))
        distance = (weights * ends).sum(-1)
        return RenderedRays(rgb, distance, opacity, inner, samples)

    @torch.no_grad()
    def refresh_known_density(self, generator: torch.Generator) -> None:
        """Bring the grid that guides sampling up to date; what it once saw fades instead of vanishing.

        Args:
            generator: Source of where in its cell each node is evaluated.
        """
        points = grid_points(self.bounds, self.shape)
        cell = (self.bounds[1] - self.bounds[0]) / (torch.tensor(self.shape) - 1)
        for start in range(0, len(points), 65536):
            part = slice(start, start + 65536)
            jitter = torch.rand(len(points[part]), 3, generator=generator) - 0.5
            density, _ = self.density(points[part] + jitter * cell)
            self.known_density[part] = torch.maximum(0.7 * self.known_density[part], density)
