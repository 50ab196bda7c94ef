"""How much the views' queries disagree about the same points of the body: the quantity that consolidation lowers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qnerf_core.scene.camera import Camera

_SAME_SURFACE = 0.03
# Of a layer's queries only so many principal components are compared pixel by pixel: for a picture it is enough.
_COMPONENTS = 16


@dataclass(frozen=True, eq=False)
class SurfaceProbe:
    """Points on the target's surface, where they appear in each view, and whether they are seen there.

    Attributes:
        places: (V, P, 2) in [-1, 1] as `grid_sample` reads them with `align_corners=False`.
        visible: (V, P) bool.
    """

    places: torch.Tensor
    visible: torch.Tensor

    @classmethod
    def of(cls, points: np.ndarray, cameras: Sequence[Camera], depth: np.ndarray) -> SurfaceProbe:
        """Project points and test them against the depth.

        Args:
            points: (P, 3) on the surface, world, metres.
            cameras: V views.
            depth: (V, H, W) depth of the edited scene at the cameras' size; a point is seen if it is no more than
                3 cm behind it.
        """
        places, visible = [], []
        for camera, surface in zip(cameras, depth, strict=True):
            pixels, distance = camera.project(points)
            pixels = np.nan_to_num(pixels, nan=-1.0)
            inside = (distance > 0) & (pixels >= 0).all(axis=1)
            inside &= (pixels[:, 0] < camera.width) & (pixels[:, 1] < camera.height)
            columns, rows = (np.where(inside, pixels[:, axis], 0).astype(np.int64) for axis in (0, 1))
            visible.append(inside & (distance <= surface[rows, columns] + _SAME_SURFACE))
            places.append(pixels / np.array([camera.width, camera.height]) * 2.0 - 1.0)
        return cls(
            torch.from_numpy(np.stack(places)).to(torch.float32),
            torch.from_numpy(np.stack(visible)),
        )

    def disagreement(self, queries: torch.Tensor, share_of: torch.Tensor | None = None) -> float:
        """Measure the variance between views at the same points, as a share of the whole variance of a layer.

        Args:
            queries: (V, C, h, w) of one layer.
            share_of: (V, C, h, w) whose variance is the whole; None for the queries themselves. Rendered queries are
                smoother than those they were fitted to: beside them, only the same whole compares.

        Returns:
            0 if all views agree, about 1 if they have nothing in common; NaN if no point is seen twice.
        """
        variance, counts = self.variance(queries)
        shared = counts > 1
        if not bool(shared.any()):
            return float("nan")
        return float(variance[shared].mean() / _whole(queries if share_of is None else share_of))

    def variance(self, queries: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Measure the variance between views at every point, summed over channels.

        Args:
            queries: (V, C, h, w) of one layer.

        Returns:
            (P,) variances, and (P,) numbers of views that see the point; with fewer than two the variance is zero.
        """
        queries = queries.float()
        seen = torch.nn.functional.grid_sample(
            queries, self.places[:, :, None], mode="bilinear", padding_mode="border", align_corners=False
        )[..., 0]
        weights = self.visible[:, None].to(seen.dtype)
        counts = weights.sum(dim=0)
        mean = (seen * weights).sum(dim=0) / counts.clamp_min(1)
        squares = ((seen - mean) ** 2 * weights).sum(dim=0) / (counts - 1).clamp_min(1)
        return squares.sum(dim=0), counts[0]

    def disagreements(
        self, queries: Sequence[torch.Tensor], share_of: Sequence[torch.Tensor] | None = None
    ) -> tuple[float, ...]:
        """Measure every layer.

        Args:
            queries: Per layer (V, C, h, w).
            share_of: Per layer, see `disagreement`.
        """
        wholes = queries if share_of is None else share_of
        return tuple(self.disagreement(layer, whole) for layer, whole in zip(queries, wholes, strict=True))


class PixelProbe:
    """Where every pixel of a query map is seen in the other views: pictures of the disagreement."""

    def __init__(self, cameras: Sequence[Camera], depth: np.ndarray) -> None:
        """Remember the views.

        Args:
            cameras: V views.
            depth: (V, H, W) depth of the edited scene at the cameras' size, 0 where unknown.
        """
        self._cameras = tuple(cameras)
        self._depth = depth
        self._probes: dict[tuple[int, int], list[tuple[SurfaceProbe, torch.Tensor]]] = {}

    def maps(self, queries: torch.Tensor) -> torch.Tensor:
        """Measure the variance between the views that see the same point, as a share of the whole variance.

        Args:
            queries: (V, C, h, w) of one layer.

        Returns:
            (V, h, w) float32; zero where the depth is unknown or no other view sees the point.
        """
        size = (int(queries.shape[2]), int(queries.shape[3]))
        if size not in self._probes:
            self._probes[size] = [self._probe(view, *size) for view in range(len(self._cameras))]
        reduced, whole = leading_components(queries, _COMPONENTS)[0], _whole(queries)
        found = []
        for probe, known in self._probes[size]:
            variance, counts = probe.variance(reduced)
            found.append(torch.where(known & (counts > 1), variance / whole, 0.0).view(size))
        return torch.stack(found)

    def _probe(self, view: int, height: int, width: int) -> tuple[SurfaceProbe, torch.Tensor]:
        camera, depth = self._cameras[view], self._depth[view]
        rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
        pixels = np.stack([(columns + 0.5) * camera.width / width, (rows + 0.5) * camera.height / height], axis=-1)
        pixels = pixels.reshape(-1, 2)
        distance = depth[pixels[:, 1].astype(np.int64), pixels[:, 0].astype(np.int64)].astype(np.float64)
        points = camera.unproject(pixels, distance)
        return SurfaceProbe.of(points, self._cameras, self._depth), torch.from_numpy(distance > 0)


def leading_components(queries: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Project queries onto the directions in which they vary most.

    Args:
        queries: (V, C, h, w) of one layer.
        count: Number of directions, at most; layers with fewer channels give as many as they have.

    Returns:
        (V, count, h, w) float32 without the mean, the directions (C, count), whose largest entry is positive, and the
        mean (C,).
    """
    pixels = queries.float().permute(0, 2, 3, 1)
    mean = pixels.mean(dim=(0, 1, 2))
    centred = (pixels - mean).flatten(0, 2)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    directions = vectors[:, -count:].flip(1)
    signs = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True)).sign()
    directions = directions * signs
    projected = (centred @ directions).view(*pixels.shape[:3], -1)
    return projected.permute(0, 3, 1, 2), directions, mean


def _whole(queries: torch.Tensor) -> torch.Tensor:
    whole = queries.float().var(dim=(0, 2, 3), correction=0).sum()
    return whole.clamp_min(torch.finfo(whole.dtype).tiny)
