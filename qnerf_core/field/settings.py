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

    iterations: int = Field(default=30, ge=0)
    warm_iterations: int = Field(default=15, ge=0)
    batch_rays: int = Field(default=2048, ge=1)
    grid_detail: float = Field(default=2.5, gt=0)
    fine_features: int = Field(default=32, ge=1)
    coarse_features: int = Field(default=16, ge=1)
    hidden_width: int = Field(default=64, ge=1)
    near_samples: int = Field(default=6, ge=1)
    other_samples: int = Field(default=2, ge=0)
    samples_without_depth: int = Field(default=48, ge=2)
    depth_band: float = Field(default=0.012, gt=0)
    depth_sigma: float = Field(default=0.005, gt=0)
    depth_weight: float = Field(default=0.1, ge=0)
    loss: Literal["norm", "squared"] = "norm"
    learning_rate: float = Field(default=1e-2, gt=0)


class RadianceSettings(BaseModel):
    """How a radiance field of images is built and trained.

    Attributes:
        iterations: Iterations in all, in equal parts at a quarter, half and the full image size.
        batch_rays: Rays of one iteration.
        worst_share: Share of them that is drawn where pictures are rendered worst.
        samples_per_ray: Samples along each ray, placed by what is known of the density.
        resolutions: Nodes of each feature grid along the longest side of the bounds, coarse to fine.
        features: Features per node.
        max_rows: Rows of a feature grid; nodes of finer grids share them by a hash.
        hidden_width: Width of the network.
        view_dependence: Let colours depend on the direction they are seen from.
        occupancy_resolution: Nodes of the density grid that guides sampling, along the longest side.
        occupancy_interval: Iterations between its updates.
        near: Nothing is sampled nearer to a camera than this fraction of the diagonal of the bounds: few views cannot
            tell fog before one of them from the scene.
        distortion_weight: Weight of the distortion loss of mip-NeRF 360, against fog.
        depth_weight: Weight of the depth loss if depth is given; zero leaves depth out.
        learning_rate: Adam's, at the start; it falls to a thirtieth along a cosine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(default=200, ge=0)
    batch_rays: int = Field(default=3072, ge=1)
    worst_share: float = Field(default=0.5, ge=0, le=1)
    samples_per_ray: int = Field(default=16, ge=2)
    resolutions: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    features: int = Field(default=4, ge=1)
    max_rows: int = Field(default=2**18, ge=1)
    hidden_width: int = Field(default=32, ge=1)
    view_dependence: bool = False
    occupancy_resolution: int = Field(default=128, ge=4)
    occupancy_interval: int = Field(default=25, ge=1)
    near: float = Field(default=0.05, ge=0)
    distortion_weight: float = Field(default=0.005, ge=0)
    depth_weight: float = Field(default=0.003, ge=0)
    learning_rate: float = Field(default=3e-2, gt=0)
