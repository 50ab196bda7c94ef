"""The network of a QNeRF: one base, one density, one head per query layer (method 1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qnerf_core.field.compositing import composite_torch, sample_weights, sample_weights_torch
from qnerf_core.field.grids import FeatureGrids
from qnerf_core.field.rays import Samples
from qnerf_core.field.settings import QNeRFSettings


@dataclass(frozen=True, eq=False)
class Composited:
    """What volume rendering leaves of the samples of rays.

    Attributes:
        features: (rays, width) of the base network, the background's filled in.
        weights: (rays, samples).
        distance: (rays,) expected distance of what is hit, metres.
    """

    features: Tensor
    weights: Tensor
    distance: Tensor


def coarse_resolution(resolution: int) -> int:
    """Return the nodes of the coarser grid, along the longest side, that goes with a finer one.

    Args:
        resolution: Nodes of the finer grid.
    """
    return max(4, resolution // 4)


class QNeRFNetwork(nn.Module):
    """Maps points to a density and to the features from which one linear head per layer makes queries.

    There is no view direction: queries describe geometry, which does not depend on it. The heads are linear, so they
    are applied to composited features: sum w (W h + b) = W sum w h + b sum w.
    """

    def __init__(
        self,
        bounds: np.ndarray,
        resolution: int,
        channels: Sequence[int],
        settings: QNeRFSettings,
        density_scale: float,
    ) -> None:
        super().__init__()
        # The first column of the finer grid is added to the density.
        widths = (settings.coarse_features, settings.fine_features + 1)
        self.grids = FeatureGrids(bounds, (coarse_resolution(resolution), resolution), widths)
        self.explicit = settings.fine_features
        self.density_scale = density_scale
        self.base = nn.Linear(sum(widths), settings.hidden_width)
        self.density = nn.Linear(settings.hidden_width, 1)
        self.width = self.explicit + settings.hidden_width
        self.background = nn.Parameter(torch.zeros(self.width))
        self.heads = nn.ModuleList(nn.Linear(self.width, count) for count in channels)

    def reset(self, generator: torch.Generator) -> None:
        """Draw all weights anew.

        Args:
            generator: Source of the draw.
        """
        self.grids.reset(generator, 0.1)
        with torch.no_grad():
            self.grids.tables[-1][:, 0].zero_()
            bound = (6 / self.base.in_features) ** 0.5
            self.base.weight.uniform_(-bound, bound, generator=generator)
            self.base.bias.uniform_(-0.5, 0.5, generator=generator)
            self.density.weight.zero_()
            self.density.bias.zero_()
            self.background.zero_()
            for layer in range(len(self.heads)):
                self.set_head(layer, torch.zeros(()), torch.zeros(()))

    @torch.no_grad()
    def set_head(self, layer: int, weight: Tensor, bias: Tensor) -> None:
        """Replace the linear head of a layer.

        Args:
            layer: Which layer.
            weight: (channels, width), or what broadcasts to it.
            bias: (channels,), or what broadcasts to it.
        """
        head = self.heads[layer]
        assert isinstance(head, nn.Linear)
        head.weight.copy_(weight)
        head.bias.copy_(bias)

    def forward(self, unit: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Evaluate points.

        Args:
            unit: (points, 3) positions in [0, 1] of the bounds.

        Returns:
            Density (points,) per metre, and the two parts of the features: what the grids say (points, encoded), of
            which the last `explicit` go to the heads, and what the base network makes of it (points, hidden).
        """
        encoded = self.grids(unit)
        hidden = torch.relu(self.base(encoded))
        raw = self.density(hidden)[:, 0] + encoded[:, -self.explicit - 1]
        return F.softplus(raw) * self.density_scale, encoded, hidden

    def composite(self, unit: Tensor, samples: Samples) -> Composited:
        """Render the features of rays.

        Args:
            unit: (rays, samples, 3) positions in [0, 1] of the bounds.
            samples: The same samples' distances and lengths.
        """
        count = unit.shape[1]
        density, encoded, hidden = self(unit.flatten(0, 1))
        weights = sample_weights(density.view(-1, count), samples.distances, samples.lengths)
        opacity = weights.sum(-1)
        # Composited apart and joined per ray: joining per sample would copy everything once more.
        explicit = composite_torch(weights, encoded.view(-1, count, encoded.shape[-1]))[:, -self.explicit :]
        implicit = composite_torch(weights, hidden.view(-1, count, hidden.shape[-1]))
        rendered = torch.cat([explicit, implicit], dim=-1) + (1 - opacity)[:, None] * self.background
        distance = (weights * samples.distances).sum(-1) / opacity.clamp(min=1e-6)
        return Composited(rendered, weights, distance)

    def composite_reference(self, unit: Tensor, samples: Samples, layer: int) -> Tensor:
        """Render one layer's queries the plain way: the head at every sample, then volume rendering.

        Args:
            unit: (rays, samples, 3) positions in [0, 1] of the bounds.
            samples: The same samples' distances and lengths.
            layer: Which head.

        Returns:
            (rays, channels), what the head makes of `composite`'s features.
        """
        head = self.heads[layer]
        queries = []
        for points, lengths in zip(unit, samples.lengths, strict=True):
            density, encoded, hidden = self(points)
            features = torch.cat([encoded[:, -self.explicit :], hidden], dim=-1)
            weights = sample_weights_torch(density[None], lengths[None])[0]
            emitted = (weights[:, None] * head(features)).sum(0)
            queries.append(emitted + (1 - weights.sum()) * head(self.background))
        return torch.stack(queries)
