from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.spec import EditSpec
from tests.synthetic_capture import BOUNDS, ray_trace, ring_of_cameras
from tests.tiny_models import IMAGE_SIZE, builtin_like

VIEWS = 3
# Four steps, intervals of one kept and one looked ahead; steps 1 and 2 are guided, by fits to the queries of the same
# steps in the look-ahead.
SHORT = EditSpec.model_validate(
    {
        "tau": 1,
        "previews": False,
        "diffusion": {"steps": 4, "view_batch": 2, "guidance": {"alpha": 0.05, "stop_fraction": 0.75}},
        "qnerf": {"iterations": 4, "warm_iterations": 2, "batch_rays": 128},
    }
)


def changed(spec: EditSpec, **changes: object) -> EditSpec:
    """The spec with other choices; `diffusion__injection__enabled` reaches into the parts."""
    content = spec.model_dump()
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = content
        for parent in parents:
            place = place[parent]
        place[name] = value
    return EditSpec.model_validate(content)


@cache
def inputs_of(folder: Path) -> EditInputs:
    """Three views of a ball that moves up; the control image shows where it goes."""
    cameras = ring_of_cameras(VIEWS, IMAGE_SIZE)
    before = [ray_trace(camera, (0.5, 0.0, 0.9)) for camera in cameras]
    after = [ray_trace(camera, (0.5, 0.0, 1.2)) for camera in cameras]
    depth = np.stack([picture.depth for picture in after]).astype(np.float32)
    seen = [
        camera.unproject(np.argwhere(picture.mask)[:, ::-1] + 0.5, picture.depth[picture.mask])
        for camera, picture in zip(cameras, after, strict=True)
    ]
    return EditInputs(
        backbone=Backbone.load(folder),
        views=tuple(f"{index:03d}" for index in range(VIEWS)),
        cameras=tuple(cameras),
        images=torch.from_numpy(np.stack([picture.colour for picture in before])).float(),
        source_controls=torch.from_numpy(np.stack([np.repeat(p.mask[None], 3, 0) for p in before])).float(),
        controls=torch.from_numpy(np.stack([np.repeat(p.mask[None], 3, 0) for p in after])).float(),
        depth=torch.from_numpy(depth),
        depth_valid=torch.from_numpy(depth > 0),
        surface_points=np.concatenate(seen)[::5],
        bounds=BOUNDS,
        source_prompt="a ball",
        prompt="a ball",
    )


@pytest.fixture(scope="session")
def inputs() -> EditInputs:
    return inputs_of(builtin_like())
