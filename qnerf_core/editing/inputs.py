"""Everything an edit works on, made from a capture, two poses and the choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import read_pose
from qnerf_core.control.body_depth import edited_depth
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.control.openpose import skeleton_image
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import SettingsError
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import Scene, View, load_depth, load_images, load_mask

_SURFACE_POINTS = 800
_REFERENCE_SIZE = 256


@dataclass(frozen=True, eq=False)
class EditInputs:
    """What `consolidate.run` works on. All pictures have one size, multiples of what the backbone needs.

    Attributes:
        backbone: The model.
        views: Names of the V views, in the order of the scene.
        cameras: V cameras, scaled to the pictures.
        images: (V, 3, H, W) float32 in [0, 1].
        controls: (V, 3, H, W) float32 in [0, 1], the target's control images.
        depth: (V, H, W) float32, depth that the edited scene should have, metres along the viewing axis.
        depth_valid: (V, H, W) bool, where it is known.
        surface_points: (P, 3) float64, points on the target's surface, world, metres.
        bounds: (2, 3) float64 box of the scene, world, metres.
        prompt: Of the edit.
    """

    backbone: Backbone
    views: tuple[str, ...]
    cameras: tuple[Camera, ...]
    images: torch.Tensor
    controls: torch.Tensor
    depth: torch.Tensor
    depth_valid: torch.Tensor
    surface_points: np.ndarray
    bounds: np.ndarray
    prompt: str


def prepare(spec: EditSpec, *, device: str = "cpu", backbone: Backbone | None = None) -> EditInputs:
    """Load all that a spec names: capture, poses, body, backbone.

    Args:
        spec: The choices.
        device: Where the backbone computes.
        backbone: The spec's backbone, if it is loaded already.

    Raises:
        StudioError: Something is missing or wrong; says what.
    """
    capture = load_capture(spec.scene)
    pose_path = Path(spec.edit) if Path(spec.edit).is_file() else capture.edit(spec.edit).pose_path
    if backbone is None:
        backbone = load_backbone(spec, device)
    source, target = read_pose(capture.source_pose_path), read_pose(pose_path)
    return build_inputs(capture.scene, source, target, spec, backbone, BodyModel.load())


def load_backbone(spec: EditSpec, device: str = "cpu") -> Backbone:
    """Load the model that a spec names, with the ControlNet for its kind of control.

    Args:
        spec: The choices.
        device: Where it computes.

    Raises:
        StudioError: It is missing or wrong; says what.
    """
    folder = assets.model_folder() if spec.backbone == "builtin" else spec.backbone
    return Backbone.load(folder, spec.control.kind, device)


def build_inputs(
    scene: Scene, source: BodyPose, target: BodyPose, spec: EditSpec, backbone: Backbone, body: BodyModel
) -> EditInputs:
    """Make control images and depth for the views to edit, at the backbone's size.

    Args:
        scene: The capture.
        source: The body's pose in it; used where a view has no mask.
        target: The body's pose after the edit.
        spec: The choices.
        backbone: The model.
        body: The body model.

    Raises:
        SettingsError: No view is left, or a size cannot be worked with.
        CaptureError: A picture cannot be read.
    """
    views = choose_views(scene, spec.views)
    height, width = picture_size(views[0].camera, spec.image_size or backbone.image_size, backbone.size_multiple)
    cameras = tuple(view.camera.scaled(width, height) for view in views)
    images = torch.from_numpy(load_images(views))
    if images.shape[2:] != (height, width):
        images = torch.nn.functional.interpolate(images, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
    posed, original = body(target), body(source)
    controls, depths, valid, known = [], [], [], []
    band = spec.control.uncertain_band * max(height, width) / _REFERENCE_SIZE
    for view, camera in zip(views, cameras, strict=True):
        controls.append(skeleton_image(posed.keypoints, camera, spec.control.style))
        surface = (
            _resized(load_depth(view), height, width) if view.depth_path else np.zeros((height, width), np.float32)
        )
        figure = (
            _resized(load_mask(view), height, width)
            if view.mask_path
            else rasterise_depth(original.vertices, body.faces, camera) > 0
        )
        depth, trusted = edited_depth(rasterise_depth(posed.vertices, body.faces, camera), surface, figure, band)
        depths.append(depth)
        valid.append(trusted)
        known.append(surface)
    stride = max(1, len(posed.vertices) // _SURFACE_POINTS)
    bounds = scene.bounds if scene.bounds is not None else _bounds(cameras, known, [original.vertices, posed.vertices])
    return EditInputs(
        backbone=backbone,
        views=tuple(view.name for view in views),
        cameras=cameras,
        images=images,
        controls=torch.from_numpy(np.stack(controls)).permute(0, 3, 1, 2).to(torch.float32).div_(255.0).contiguous(),
        depth=torch.from_numpy(np.stack(depths)),
        depth_valid=torch.from_numpy(np.stack(valid)),
        surface_points=np.asarray(posed.vertices[::stride], dtype=np.float64),
        bounds=np.asarray(bounds, dtype=np.float64),
        prompt=spec.prompt if spec.prompt is not None else scene.prompt,
    )


def choose_views(scene: Scene, wanted: int | tuple[str, ...] | None) -> tuple[View, ...]:
    """Choose the views to edit, in the order of the scene whatever the order of the names.

    Args:
        scene: The capture.
        wanted: None for all training views, a number for that many of them spread evenly, or names.

    Raises:
        SettingsError: There are not as many, or none.
        CaptureError: A name is unknown.
    """
    training = scene.training_views
    if isinstance(wanted, int):
        if wanted > len(training):
            raise SettingsError(
                f"{wanted} views were asked for, {scene.name} has {len(training)} to edit", next_step="Ask for fewer."
            )
        training = tuple(training[index * len(training) // wanted] for index in range(wanted))
    elif wanted is not None:
        names = {scene.view(name).name for name in wanted}
        training = tuple(view for view in scene.views if view.name in names)
    if not training:
        raise SettingsError(f"{scene.name} has no views to edit", next_step="Use a capture with views not kept out.")
    return training


def picture_size(camera: Camera, longer_side: int, multiple: int) -> tuple[int, int]:
    """Return the (height, width) to work at: near the picture's own shape, both sides multiples of a number.

    Args:
        camera: Of a picture.
        longer_side: Wanted, in pixels.
        multiple: What height and width must be multiples of.

    Raises:
        SettingsError: The longer side is not such a multiple.
    """
    if longer_side % multiple:
        raise SettingsError(
            f"Pictures of {longer_side} pixels do not fit this model",
            f"its sides must be multiples of {multiple}",
            f"Choose {max(multiple, round(longer_side / multiple) * multiple)}.",
        )
    longest = max(camera.width, camera.height)
    height, width = (
        max(multiple, round(side * longer_side / longest / multiple) * multiple)
        for side in (camera.height, camera.width)
    )
    return height, width


def _resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Take the nearest pixel: depth and masks must not be mixed across an edge."""
    rows = ((np.arange(height) + 0.5) * values.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * values.shape[1] / width).astype(np.int64)
    return np.ascontiguousarray(values[rows][:, columns])


def _bounds(cameras: Sequence[Camera], depths: Sequence[np.ndarray], bodies: Sequence[np.ndarray]) -> np.ndarray:
    """Box around the bodies and nearly everything whose depth is known."""
    corners = [np.stack([vertices.min(axis=0) - 0.3, vertices.max(axis=0) + 0.3]) for vertices in bodies]
    for camera, depth in zip(cameras, depths, strict=True):
        rows, columns = np.nonzero(depth > 0)
        if len(rows):
            points = camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, depth[rows, columns])
            corners.append(np.quantile(points, [0.01, 0.99], axis=0))
    return np.stack([np.min([low for low, _ in corners], axis=0), np.max([high for _, high in corners], axis=0)])
