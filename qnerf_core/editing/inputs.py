"""Everything an edit works on, made from a capture, two poses or proxies and the choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.control.body_depth import edited_depth
from qnerf_core.control.looseness import Looseness, loosely_edited_depth, measure_looseness
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.correspondence import SurfaceMaps
from qnerf_core.diffusion.devices import dtype_for
from qnerf_core.diffusion.settings import PLAIN, ModelSettings
from qnerf_core.editing.correspondence import surface_maps
from qnerf_core.editing.draft import drafts
from qnerf_core.editing.edit_files import find_edit, read_states
from qnerf_core.editing.filters import pixel_scale
from qnerf_core.editing.geometry import ViewGeometry, view_geometry
from qnerf_core.editing.photographs import Beside, Photographs
from qnerf_core.editing.region import EditRegion, find_region
from qnerf_core.editing.seen_behind import seen_behind
from qnerf_core.editing.spec import EditSpec
from qnerf_core.editing.subject import Subject, surface_points
from qnerf_core.errors import Cancelled, SettingsError
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.scene.camera import Camera, by_distance
from qnerf_core.scene.capture import ControlKind, load_scene
from qnerf_core.scene.child import Progress
from qnerf_core.scene.scene import Scene, View, load_images

_SURFACE_POINTS = 800


@dataclass(frozen=True)
class Watch:
    """Who follows what is made before an edit.

    Attributes:
        progress: Told what is being done ("views", "drafts"), how many are done, of how many.
        cancelled: Asked before every one.
    """

    progress: Progress | None = None
    cancelled: Callable[[], bool] | None = None

    def told(self, what: str, done: int, count: int) -> None:
        """Take note of a step.

        Args:
            what: See `progress`.
            done: How many are done.
            count: Of how many.

        Raises:
            Cancelled: It was cancelled.
        """
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("The edit is stopped", "its pictures were still being prepared", "Start it again.")
        if self.progress is not None:
            self.progress(what, done, count)


@dataclass(frozen=True, eq=False)
class EditInputs:
    """What `consolidate.run` works on. All pictures have one size, multiples of what the backbone needs.

    Attributes:
        backbone: The model.
        views: Names of the V views, in the order of the scene.
        cameras: V cameras, scaled to the pictures.
        images: (V, 3, H, W) float32 in [0, 1].
        source_controls: (V, 3, H, W) float32 in [0, 1], control images of what the pictures show.
        controls: Those of the target.
        depth: (V, H, W) float32, depth that the edited scene should have, metres along the viewing axis.
        depth_valid: (V, H, W) bool, where it is known.
        surface_points: (P, 3) float64, points on the target's surface, world, metres.
        bounds: (2, 3) float64 box of the scene, world, metres.
        source_prompt: What the pictures show.
        prompt: Of the edit.
        region: Which pixels may change; None for all.
        maps: Where on the subject the pictures' places are, before and after; None if that leads nothing.
        drafts: (V, 3, H, W) float32 in [0, 1], where the edit starts; None with `maps`.
    """

    backbone: Backbone
    views: tuple[str, ...]
    cameras: tuple[Camera, ...]
    images: torch.Tensor
    source_controls: torch.Tensor
    controls: torch.Tensor
    depth: torch.Tensor
    depth_valid: torch.Tensor
    surface_points: np.ndarray
    bounds: np.ndarray
    source_prompt: str
    prompt: str
    region: EditRegion | None = None
    maps: SurfaceMaps | None = None
    drafts: torch.Tensor | None = None

    def start(self, trajectory: torch.Tensor, signal: float, views: slice) -> torch.Tensor:
        """Return what some views start from: the noise their originals were inverted to or, where drafts lead, the
        drafts with that noise, moved with the subject.

        Args:
            trajectory: (steps + 1, V, 4, h, w), their inversion.
            signal: Share of the picture in its first latents, the root of alpha bar.
            views: Which views.

        Returns:
            (B, 4, h, w).
        """
        first, clean = trajectory[0, views], trajectory[-1, views]
        if self.maps is None or self.drafts is None:
            return first.clone()
        drafted = self.backbone.encode_images(self.drafts[views]).to(first)
        return self.maps.carried(first - signal * clean, views) + signal * drafted


def prepare(
    spec: EditSpec, *, device: str = "cpu", backbone: Backbone | None = None, watch: Watch | None = None
) -> EditInputs:
    """Load all that a spec names: capture, poses or proxies, body, backbone.

    Args:
        spec: The choices.
        device: Where the backbone computes.
        backbone: The spec's backbone, if it is loaded already.
        watch: Who follows it.

    Raises:
        StudioError: Something is missing or wrong; says what.
        Cancelled: It was cancelled.
    """
    scene, capture = load_scene(spec.scene)
    files = find_edit(spec, scene, capture)
    source, target, body = read_states(files)
    if backbone is None:
        backbone = load_backbone(spec.backbone, files.control, device, spec.model)
    return build_inputs(scene, source, target, spec, backbone, body, watch=watch)


def target_depth(spec: EditSpec, names: Sequence[str], size: tuple[int, int]) -> list[np.ndarray]:
    """Return the depth that edited views should have, without loading the model.

    Args:
        spec: The choices.
        names: Of the views.
        size: (height, width) of the edited pictures.

    Returns:
        For each view (H, W) float32, metres along the viewing axis, 0 where it is not known.

    Raises:
        StudioError: Something that the spec names is missing or wrong.
    """
    subject, geometry, looseness, bounds = _geometry_of(spec, names, size)
    pairs = (_target_depth(view, subject, looseness, spec, bounds) for view in geometry)
    return [np.where(valid, depth, np.float32(0)) for depth, valid in pairs]


def control_images(spec: EditSpec, names: Sequence[str], size: tuple[int, int]) -> list[np.ndarray]:
    """Return what the diffusion sees of the target, without loading the model.

    Args:
        spec: The choices.
        names: Of the views.
        size: (height, width) of the edited pictures.

    Returns:
        For each view (H, W, 3) uint8 RGB.

    Raises:
        StudioError: Something that the spec names is missing or wrong.
    """
    subject, geometry, _, _ = _geometry_of(spec, names, size)
    return [subject.control_image(view.camera, view.target, view.boundary, spec.control) for view in geometry]


def _geometry_of(
    spec: EditSpec, names: Sequence[str], size: tuple[int, int]
) -> tuple[Subject, list[ViewGeometry], Looseness, np.ndarray]:
    scene, capture = load_scene(spec.scene)
    source, target, body = read_states(find_edit(spec, scene, capture))
    views = scene.subset(names).views
    cameras = [view.camera.scaled(size[1], size[0]) for view in views]
    subject = Subject.of(source, target, body)
    return subject, *_measure(scene, views, cameras, subject, Watch())


def load_backbone(name: str, control: ControlKind, device: str = "cpu", settings: ModelSettings = PLAIN) -> Backbone:
    """Load the model that a spec names.

    Args:
        name: "builtin", a folder, a file or a hub id.
        control: Which of its ControlNets.
        device: Where it computes.
        settings: What it is used with, and how it is held in memory.

    Raises:
        StudioError: It is missing or wrong; says what.
    """
    if name != "builtin":
        return Backbone.load(name, control, device, dtype_for(settings.precision, device), settings)
    # Small enough to be exact everywhere.
    dtype = dtype_for("float32" if settings.precision == "auto" else settings.precision, device)
    return Backbone.load(assets.model_folder(), control, device, dtype, settings)


def build_inputs(
    scene: Scene,
    source: BodyPose | DepthProxy,
    target: BodyPose | DepthProxy,
    spec: EditSpec,
    backbone: Backbone,
    body: BodyModel | None,
    beside: Beside | None = None,
    watch: Watch | None = None,
) -> EditInputs:
    """Make control images and depth for the views to edit, at the backbone's size.

    Args:
        scene: The capture.
        source: The subject's pose or proxy in it.
        target: Its pose or proxy after the edit.
        spec: The choices.
        backbone: The model, with the ControlNet for poses or for proxies.
        body: The body model; only poses need one.
        beside: Asks further views for what the edited ones hide, for drafts; None to ask none.
        watch: Who follows it.

    Raises:
        SettingsError: No view is left, or a size cannot be worked with.
        CaptureError: A picture cannot be read.
        Cancelled: It was cancelled.
        TypeError: One is a pose and the other a proxy, or a pose comes without a body.
    """
    watch = Watch() if watch is None else watch
    views = choose_views(scene, spec.views)
    height, width = picture_size(views[0].camera, spec.image_size or backbone.image_size, backbone.size_multiple)
    cameras = tuple(view.camera.scaled(width, height) for view in views)
    images = _pictures(views, (height, width))
    subject = Subject.of(source, target, body)
    geometry, looseness, bounds = _measure(scene, views, cameras, subject, watch)
    depths, valid = zip(*(_target_depth(view, subject, looseness, spec, bounds) for view in geometry), strict=True)
    settings = spec.control
    shown = [subject.control_image(view.camera, view.source, view.boundary, settings, before=True) for view in geometry]
    controls = [subject.control_image(view.camera, view.target, view.boundary, settings) for view in geometry]
    kept = None
    if spec.background.keep:
        kept = find_region(geometry, subject, looseness.outward, spec.background, scene.region)
    latent_size = height // backbone.vae_reduction, width // backbone.vae_reduction
    figures = [view.figure for view in geometry]
    maps, drafted = None, None
    if spec.diffusion.corresponds(backbone.habits):
        maps = surface_maps(subject, cameras, latent_size, figures)
        photographs = _photographs(subject, scene, images, geometry, views, beside)
        drafted = drafts(subject, photographs, len(views), partial(watch.told, "drafts"))
    return EditInputs(
        backbone=backbone,
        views=tuple(view.name for view in views),
        cameras=cameras,
        images=images,
        source_controls=_as_tensor(shown),
        controls=_as_tensor(controls),
        depth=torch.from_numpy(np.stack(depths)),
        depth_valid=torch.from_numpy(np.stack(valid)),
        surface_points=surface_points(subject.target, _SURFACE_POINTS),
        bounds=bounds,
        source_prompt=scene.prompt,
        prompt=spec.prompt if spec.prompt is not None else scene.prompt,
        region=kept,
        maps=maps,
        drafts=drafted,
    )


def _pictures(views: Sequence[View], size: tuple[int, int]) -> torch.Tensor:
    """(V, 3, H, W) float32 photos in [0, 1]."""
    images = torch.from_numpy(load_images(views))
    if images.shape[2:] == size:
        return images
    return torch.nn.functional.interpolate(images, size, mode="bilinear", antialias=True).clamp(0, 1)


def _nearest(scene: Scene, views: Sequence[View], count: int) -> list[View]:
    """So many other training views, by the distance of their cameras from the nearest of some views."""
    own = {view.name for view in views}
    others = [view for view in scene.training_views if view.name not in own]
    order = by_distance([view.camera for view in others], [view.camera for view in views])
    return [others[number] for number in order[:count]]


def _photographs(
    subject: Subject,
    scene: Scene,
    images: torch.Tensor,
    geometry: Sequence[ViewGeometry],
    views: Sequence[View],
    beside: Beside | None,
) -> Photographs:
    """Views' photos, and those of the views beside them."""
    height, width = images.shape[2:]

    def made() -> Photographs:
        others = _nearest(scene, views, beside.count) if beside is not None else []
        all_views = list(geometry)
        for view in others:
            all_views.append(view_geometry(view, view.camera.scaled(width, height), scene.bounds, subject))
        return Photographs.of(
            subject.source,
            [view.camera for view in all_views],
            torch.cat([images, _pictures(others, (height, width))]) if others else images,
            [view.figure for view in all_views],
            seen_behind(all_views),
            [view.scene for view in all_views],
        )

    if beside is None:
        return made()
    control = hash((subject.source[0].tobytes(), subject.source[1].tobytes()))
    return beside.remembered((scene, tuple(view.name for view in views), height, width, control), made)


def _as_tensor(pictures: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(torch.float32).div_(255.0).contiguous()


def _measure(
    scene: Scene, views: Sequence[View], cameras: Sequence[Camera], subject: Subject, watch: Watch
) -> tuple[list[ViewGeometry], Looseness, np.ndarray]:
    geometry = []
    for number, (view, camera) in enumerate(zip(views, cameras, strict=True)):
        watch.told("views", number, len(views))
        geometry.append(view_geometry(view, camera, scene.bounds, subject))
    looseness = measure_looseness(
        [view.source for view in geometry], [view.figure for view in geometry], [view.scene for view in geometry]
    )
    bounds = np.asarray(scene.bounds if scene.bounds is not None else _bounds(geometry, subject), dtype=np.float64)
    return geometry, looseness, bounds


def _target_depth(
    view: ViewGeometry, subject: Subject, looseness: Looseness, spec: EditSpec, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    band = spec.control.uncertain_band * pixel_scale(view.figure.shape)
    if subject.control == "skeleton":
        return edited_depth(view.target, view.scene, view.figure, band)
    # Samples lie within this of a known depth; at twice as much it still helps, see `control.looseness`.
    trusted = 2 * spec.qnerf.depth_band * float(np.linalg.norm(bounds[1] - bounds[0]))
    return loosely_edited_depth(view.target, view.boundary, view.supposed, looseness, band, trusted)


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


def _bounds(geometry: Sequence[ViewGeometry], subject: Subject) -> np.ndarray:
    """Box around the subject and nearly everything whose depth is known."""
    meshes = (subject.source[0], subject.target[0])
    corners = [np.stack([vertices.min(axis=0) - 0.3, vertices.max(axis=0) + 0.3]) for vertices in meshes]
    for view in geometry:
        rows, columns = np.nonzero(view.scene > 0)
        if len(rows):
            points = view.camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, view.scene[rows, columns])
            corners.append(np.quantile(points, [0.01, 0.99], axis=0))
    return np.stack([np.min([low for low, _ in corners], axis=0), np.max([high for _, high in corners], axis=0)])
