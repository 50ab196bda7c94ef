"""How much the views' queries disagree about the same points of the body: the quantity that consolidation lowers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qnerf_core.scene.camera import Camera

_SAME_SURFACE = 0.03


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
        queries = queries.float()
        seen = torch.nn.functional.grid_sample(
            queries, self.places[:, :, None], mode="bilinear", padding_mode="border", align_corners=False
        )[..., 0]
        weights = self.visible[:, None].to(seen.dtype)
        counts = weights.sum(dim=0)
        shared = counts[0] > 1
        if not bool(shared.any()):
            return float("nan")
        mean = (seen * weights).sum(dim=0) / counts.clamp_min(1)
        squares = ((seen - mean) ** 2 * weights).sum(dim=0) / (counts - 1).clamp_min(1)
        between = squares[:, shared].sum(dim=0).mean()
        reference = queries if share_of is None else share_of.float()
        whole = reference.var(dim=(0, 2, 3), correction=0).sum()
        return float(between / whole.clamp_min(torch.finfo(whole.dtype).tiny))

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
