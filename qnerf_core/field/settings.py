"""Settings of the fields: frozen, serialisable, with the units of every length."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class QNeRFSettings(BaseModel):
    """How a QNeRF is built and trained (method 1.4).

    Lengths are fractions of the diagonal of the scene's bounds, so that scenes without a metric scale work too.

    Attributes:
        iterations: Iterations of the first fit.
        warm_iterations: Iterations of every later fit, which starts from the one before.
        batch_rays: Rays of one iteration, at the finest query grid.
        grid_detail: Nodes of the finer feature grid along the longest side of the bounds, per cell of the finest
            query map; the coarser grid has a quarter of them. More keeps more detail and averages over less.
        fine_features: Features per node of the finer grid, which starts from splatted principal components.
        coarse_features: Features per node of the coarser grid.
        hidden_width: Width of the base network.
        near_samples: Samples per ray within `depth_band` of the known depth.
        other_samples: Samples per ray anywhere else that is not known to be empty.
        samples_without_depth: Samples per ray when the trainer gets no depth at all.
        depth_band: Half width of the region around a known depth where the surface may be.
        depth_sigma: Width of the depth loss; wide, since clothes and hair stand off the body whose depth it is.
        depth_weight: Weight of the depth loss beside the query loss, whose unit is one standard deviation.
        loss: "norm" is the paper's, per ray and layer, and robust; "squared" is its plain square.
        learning_rate: Adam's, at the start of a fit; it falls to a tenth along a cosine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(default=40, ge=0)
    warm_iterations: int = Field(default=20, ge=0)
    batch_rays: int = Field(default=2048, ge=1)
    grid_detail: float = Field(default=1.5, gt=0)
    fine_features: int = Field(default=32, ge=1)
    coarse_features: int = Field(default=16, ge=1)
    hidden_width: int = Field(default=64, ge=1)
    near_samples: int = Field(default=6, ge=1)
    other_samples: int = Field(default=2, ge=0)
    samples_without_depth: int = Field(default=48, ge=2)
    depth_band: float = Field(default=0.025, gt=0)
    depth_sigma: float = Field(default=0.01, gt=0)
    depth_weight: float = Field(default=0.02, ge=0)
    loss: Literal["norm", "squared"] = "norm"
    learning_rate: float = Field(default=1e-2, gt=0)
