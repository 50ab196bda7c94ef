"""Which pixels an edit may change: those of the subject, and those that its shadow may reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree

from qnerf_core.control.loose_depth import room_depth
from qnerf_core.editing.filters import pixel_scale
from qnerf_core.editing.geometry import ViewGeometry
from qnerf_core.editing.spec import BackgroundSettings
from qnerf_core.editing.subject import Subject, surface_points
from qnerf_core.scene.box_masks import box_mask

# The reach of the light is smooth: it is looked up at so many pixels a side, from so many points on the subject.
_LOOKUPS = 64
_POINTS = 1500
_ENDLESS = 1e4
# Width of the rim of what is certain, and of its feather, as a share of the wide one.
_RIM = 0.35


@dataclass(frozen=True, eq=False)
class EditRegion:
    """Shares for every pixel of every view, all zero where the picture has to stay as it is.

    Attributes:
        certain: (V, H, W) float32, share that the edited picture has in any case; 1 where the subject is or was, unless
            it stands still.
        possible: (V, H, W) float32, no less than `certain`, share that it has where it shows something new: around a
            body, and where a loose proxy is.
        light: (V, H, W) float32, share of the change of light that the photo takes over.
    """

    certain: torch.Tensor
    possible: torch.Tensor
    light: torch.Tensor


def find_region(
    geometry: Sequence[ViewGeometry],
    subject: Subject,
    outward: float,
    settings: BackgroundSettings,
    box: np.ndarray | None = None,
) -> EditRegion:
    """Find the pixels that an edit may change.

    The subject's are its silhouettes before and after, widened, without what of it stands still. Certain are all that
    it covered and all that a body covers, but not all of a proxy, which is larger than its subject. The light's are
    floor and walls near the subject in space, wherever the light comes from: contact shadows lie there, and most of a
    soft shadow. Shadows that fall farther fade out at the rim. Within a box only what is seen through the box may
    change, and the target where it reaches out of it.

    Args:
        geometry: V views of one size.
        subject: What is edited.
        outward: Pixels by which the source's subject reaches beyond its body or proxy.
        settings: How wide.
        box: (2, 3) lower and upper corner in the world, metres, that the user limits the edit to; None for no limit.
    """
    height, width = geometry[0].figure.shape
    scale = pixel_scale((height, width))
    plain, feather = settings.margin * scale, max(settings.feather * scale, 1e-6)
    margin = plain + outward
    points = np.concatenate([surface_points(mesh, _POINTS) for mesh in (subject.source, subject.target)])
    certainly, possibly, lights = [], [], []
    for view in geometry:
        unmoved = view.unmoved & settings.unmoved
        covered = (view.figure | (view.target > 0)) & ~unmoved
        surely = covered if subject.control == "skeleton" else view.figure & ~unmoved
        rim = feather * _RIM
        limit = np.ones(covered.shape)
        if box is not None:
            # Not widened by what masks reach beyond a body: where a capture brings none, they are the box's own.
            within = _distance(box_mask(view.camera, box, None) == 0) / feather
            limit = np.maximum(1 - _falling(within), _falling((_distance(view.target > 0) - plain) / feather))
        certainly.append(_falling((_distance(surely) - rim) / rim) * limit)
        possibly.append(_falling((_distance(covered) - margin) / feather) * limit)
        lights.append(_light(view, points, settings.light_reach) * ~unmoved * limit)
    certain, possible, light = (
        torch.from_numpy(np.stack(part).astype(np.float32)) for part in (certainly, possibly, lights)
    )
    return EditRegion(certain, torch.maximum(certain, possible), light)


def _light(view: ViewGeometry, points: np.ndarray, light_reach: float) -> np.ndarray:
    height, width = view.boundary.shape
    reach = light_reach * float(np.ptp(points[:, 2])) if len(points) else 0.0
    if reach <= 0:
        return np.zeros((height, width))
    stride = max(1, max(height, width) // _LOOKUPS)
    rows, columns = (np.arange(stride // 2, size, stride) for size in (height, width))
    depth = view.boundary[rows][:, columns]
    if not depth.all():
        # Where nothing is known of the scene, it stands on a floor.
        lowest = float(points[:, 2].min())
        floor = np.array([[-_ENDLESS, -_ENDLESS, lowest], [_ENDLESS, _ENDLESS, _ENDLESS]])
        depth = np.where(depth > 0, depth, room_depth(view.camera, floor)[rows][:, columns])
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1) + 0.5
    places = view.camera.unproject(pixels, depth)
    near, _ = cKDTree(points).query(places, distance_upper_bound=reach)
    # Full up to half the reach.
    coarse = torch.from_numpy(_falling(2 * near / reach - 1))[None, None]
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    return np.asarray(fine[0, 0].numpy())


def _distance(mask: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.distance_transform_edt(~mask)) if mask.any() else np.full(mask.shape, np.inf)


def _falling(value: np.ndarray) -> np.ndarray:
    """1 up to zero, 0 from one on, smooth between."""
    rest = 1 - np.clip(value, 0, 1)
    return np.asarray(rest * rest * (3 - 2 * rest))
