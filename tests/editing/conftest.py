from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.settings import DiffusionSettings, GuidanceSettings
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.spec import EditSpec
from qnerf_core.field.settings import QNeRFSettings
from tests.synthetic_capture import BOUNDS, ray_trace, ring_of_cameras
from tests.tiny_models import IMAGE_SIZE, builtin_like

VIEWS = 3


@cache
def backbone_of(folder: Path) -> Backbone:
    return Backbone.load(folder)


@cache
def inputs_of(folder: Path) -> EditInputs:
    """Three views of a ball that moves; its control image is a disc where it goes."""
    cameras = ring_of_cameras(VIEWS, IMAGE_SIZE)
    before = [ray_trace(camera, (0.5, 0.0, 0.9)) for camera in cameras]
    after = [ray_trace(camera, (0.5, 0.0, 1.2)) for camera in cameras]
    depth = np.stack([picture.depth for picture in after]).astype(np.float32)
    seen = [
        camera.unproject(np.argwhere(picture.mask)[:, ::-1] + 0.5, picture.depth[picture.mask])
        for camera, picture in zip(cameras, after, strict=True)
    ]
    return EditInputs(
        backbone=backbone_of(folder),
        views=tuple(f"{index:03d}" for index in range(VIEWS)),
        cameras=tuple(cameras),
        images=torch.from_numpy(np.stack([picture.colour for picture in before])),
        controls=torch.from_numpy(np.stack([np.repeat(p.mask[None], 3, 0) for p in after])).float(),
        depth=torch.from_numpy(depth),
        depth_valid=torch.from_numpy(depth > 0),
        surface_points=np.concatenate(seen)[::5],
        bounds=BOUNDS,
        prompt="a ball",
    )


@pytest.fixture
def inputs() -> EditInputs:
    return inputs_of(builtin_like())


@pytest.fixture
def make_spec() -> Callable[..., EditSpec]:
    """A short edit: six steps, intervals of one kept and one looked ahead, guided up to the fifth step."""

    def make(*, steps: int = 6, tau: int = 1, **changes: object) -> EditSpec:
        guidance = GuidanceSettings(alpha=0.05, **changes.pop("guidance", {}))  # type: ignore[arg-type]  # a dictionary
        diffusion = DiffusionSettings(steps=steps, view_batch=2, guidance=guidance, **changes.pop("diffusion", {}))  # type: ignore[arg-type]
        qnerf = QNeRFSettings(iterations=6, warm_iterations=3, batch_rays=256)
        return EditSpec(tau=tau, diffusion=diffusion, qnerf=qnerf, **changes)  # type: ignore[arg-type]

    return make
