"""Rays of query and image grids, and where along them samples are worth their cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qnerf_core.scene.camera import Camera

_BINS = 128


@dataclass(frozen=True, eq=False)
class Rays:
    """Rays in the world.

    Attributes:
        origins: (rays, 3), metres.
        directions: (rays, 3), unit length.
        cosines: (rays,) component of the direction along the viewing axis: distance times cosine is depth.
    """

    origins: Tensor
    directions: Tensor
    cosines: Tensor

    def __len__(self) -> int:
        return self.origins.shape[0]

    def __getitem__(self, index: Tensor | slice) -> Rays:
        return Rays(self.origins[index], self.directions[index], self.cosines[index])


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples along rays.

    Attributes:
        distances: (rays, samples) along the ray, metres, ascending.
        lengths: (rays, samples) of the ray each sample stands for, metres; zero where a ray misses the scene.
    """

    distances: Tensor
    lengths: Tensor


def camera_rays(cameras: Sequence[Camera], width: int, height: int) -> Rays:
    """Return one ray through the centre of every cell of a grid laid over each image.

    Args:
        cameras: Views.
        width: Cells across an image.
        height: Cells down an image.

    Returns:
        views * height * width rays, row by row.
    """
    origins, directions, cosines = [], [], []
    for camera in cameras:
        start, direction = camera.scaled(width, height).rays()
        origins.append(start.reshape(-1, 3))
        directions.append(direction.reshape(-1, 3))
        cosines.append(direction.reshape(-1, 3) @ camera.forward.astype(np.float32))
    return Rays(*(torch.from_numpy(np.concatenate(parts)) for parts in (origins, directions, cosines)))


def box_interval(rays: Rays, bounds: Tensor) -> tuple[Tensor, Tensor]:
    """Return where rays enter and leave a box.

    Args:
        rays: R rays.
        bounds: (2, 3) lower and upper corner, metres.

    Returns:
        Near and far distances (R,), metres, near >= 0; far < near where a ray misses the box.
    """
    tiny = torch.full_like(rays.directions, 1e-9)
    directions = torch.where(rays.directions.abs() < tiny, tiny, rays.directions)
    first = (bounds[0] - rays.origins) / directions
    second = (bounds[1] - rays.origins) / directions
    near = torch.minimum(first, second).amax(-1).clamp(min=0)
    return near, torch.maximum(first, second).amin(-1)


def samples_from_masses(near: Tensor, far: Tensor, masses: Tensor, places: Tensor) -> Samples:
    """Place samples by inverting a piecewise constant distribution along each ray.

    A sample stands for the stretch of ray that its share of the distribution covers where it lies, so stretches
    without mass cost nothing and do not lengthen their neighbours.

    Args:
        near: (rays,) start, metres.
        far: (rays,) end, metres.
        masses: (rays, bins) weight of each of the equal bins between near and far, >= 0, some > 0.
        places: (rays, samples) in (0, 1), ascending: quantiles at which to sample.

    Returns:
        The samples.
    """
    bins = masses.shape[1]
    total = masses.sum(-1, keepdim=True)
    cumulative = torch.cumsum(masses / total, dim=-1)
    cumulative = cumulative / cumulative[:, -1:]
    index = torch.searchsorted(cumulative, places).clamp(max=bins - 1)
    mass = torch.gather(masses / total, 1, index).clamp(min=1e-9)
    before = torch.gather(cumulative, 1, index) - mass
    width = ((far - near) / bins)[:, None]
    inside = ((places - before) / mass).clamp(0, 1)
    distances = near[:, None] + (index + inside) * width
    # A share of a bin's mass covers the same share of its length.
    lengths = width / mass / places.shape[1]
    return Samples(distances, torch.where((far > near)[:, None], lengths, 0.0))


def stratified_places(count: int, samples: int, generator: torch.Generator | None) -> Tensor:
    """Return ascending quantiles, one in each of `samples` equal parts of (0, 1).

    Args:
        count: Rays.
        samples: Samples per ray.
        generator: Source of a jitter inside each part; None takes the middles.

    Returns:
        (count, samples).
    """
    jitter = torch.full((count, samples), 0.5) if generator is None else torch.rand(count, samples, generator=generator)
    return ((torch.arange(samples) + jitter) / samples).clamp(1e-6, 1 - 1e-6)


def bin_centres(near: Tensor, far: Tensor) -> Tensor:
    """Return the middles of the bins that `samples_from_masses` is fed with, (rays, 128), metres.

    Args:
        near: (rays,) start, metres.
        far: (rays,) end, metres.
    """
    return near[:, None] + (far - near)[:, None] * (torch.arange(_BINS) + 0.5) / _BINS


def masses_around_depth(
    centres: Tensor, occupied: Tensor, target: Tensor, known: Tensor, band: float, near_share: float
) -> Tensor:
    """Return where samples are worth their cost along rays whose depth is partly known.

    Args:
        centres: (rays, bins) middles of the bins, metres.
        occupied: (rays, bins) bool, false where the scene is known to be empty.
        target: (rays,) known distance along the ray, metres.
        known: (rays,) bool, whether it is known.
        band: Half width of the region around a known distance, metres.
        near_share: Share of the samples that region gets.

    Returns:
        (rays, bins) masses: on rays of known depth the region around it and what may be matter before it, nothing
        behind; on others whatever is not known to be empty.
    """
    offset = centres - target[:, None]
    # The nearest bin belongs to the band even when a bin is wider than it.
    around = (offset.abs() <= band) | (offset.abs() <= offset.abs().amin(-1, keepdim=True))
    before = occupied & (offset < -band)
    shares = []
    for mask, share in ((around, near_share), (before, 1 - near_share)):
        shares.append(mask * (share / mask.sum(-1, keepdim=True).clamp(min=1)))
    open_ray = torch.where(occupied.any(-1, keepdim=True), occupied, True).to(centres.dtype)
    return torch.where(known[:, None], shares[0] + shares[1], open_ray)
