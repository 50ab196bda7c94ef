"""One view edited in a few steps, on its own: what a pose will look like, shown while it is being made."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from qnerf_core.body.pose import BodyPose
from qnerf_core.body.surface import BodySurface
from qnerf_core.control.openpose import skeleton_image
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.inversion import Features, invert
from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.editing.inputs import picture_size
from qnerf_core.editing.spec import EditSpec
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.scene import Scene, load_images

STEPS = 6
_MEMORY = 600e6

Check = Callable[[], None]


@dataclass(frozen=True, eq=False)
class _Inverted:
    """A view at its noise end, with the features that each step is fed with."""

    noise: torch.Tensor
    features: dict[int, Features]

    @property
    def bytes(self) -> int:
        return sum(part.nbytes for features in self.features.values() for part in features)


class Previewer:
    """The independent editor with few steps. Inversions are kept per view, which makes the next preview quick."""

    def __init__(self, backbone: Backbone, body: BodySurface) -> None:
        """Take what is loaded already.

        Args:
            backbone: The model.
            body: Gives the keypoints of a pose.
        """
        self._backbone = backbone
        self._body = body
        self._inverted: OrderedDict[tuple[object, ...], _Inverted] = OrderedDict()
        self._check: Check = lambda: None
        self._denoiser: tuple[tuple[object, ...], Denoiser] | None = None

    def render(self, scene: Scene, view: str, pose: BodyPose, spec: EditSpec, check: Check) -> np.ndarray:
        """Edit a view.

        Args:
            scene: The capture.
            view: Name of one of its views.
            pose: The target.
            spec: Prompt, injection, guidance scale and picture size are used; what consolidates is not.
            check: Called before every pass through the network; raises to stop.

        Returns:
            uint8 (H, W, 3), of the size the diffusion works at.

        Raises:
            StudioError: A picture cannot be read, or the settings do not fit the model.
        """
        denoiser = self._prepared(scene, spec, check)
        camera = self._camera(scene, view, spec)
        inverted = self.invert(scene, view, spec, check)
        drawn = torch.from_numpy(skeleton_image(self._body.keypoints(pose), camera, spec.control.style))
        control = self._backbone.embed_control(drawn.permute(2, 0, 1)[None].float() / 255.0)
        latents = inverted.noise
        for step in range(STEPS):
            latents = denoiser.step(latents, step, control, inverted.features.get(step)).latents
        check()
        picture = self._backbone.decode_latents(latents)[0]
        pixels: np.ndarray = picture.mul(255).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()
        return pixels

    def invert(self, scene: Scene, view: str, spec: EditSpec, check: Check) -> _Inverted:
        """Do the part of a preview that does not depend on the pose, or find it done.

        Args:
            scene: The capture.
            view: Name of one of its views.
            spec: See `render`.
            check: See `render`.
        """
        denoiser = self._prepared(scene, spec, check)
        camera = self._camera(scene, view, spec)
        settings = spec.diffusion
        size = camera.height, camera.width
        key = (scene.root, view, size, settings.inversion_prompt, settings.injection.model_dump_json())
        if key in self._inverted:
            self._inverted.move_to_end(key)
            return self._inverted[key]
        pictures = torch.from_numpy(load_images([scene.view(view)]))
        if pictures.shape[2:] != size:
            pictures = torch.nn.functional.interpolate(pictures, size, mode="bilinear", antialias=True).clamp(0, 1)
        check()
        features: dict[int, Features] = {}
        *_, (_, latents) = invert(denoiser, self._backbone.encode_images(pictures), features.__setitem__)
        if denoiser.injects(0):
            features[0] = denoiser.source_features(latents, denoiser.schedule.timesteps[0])
        kept = {step: found for step, found in features.items() if denoiser.injects(step)}
        self._inverted[key] = _Inverted(latents, kept)
        while len(self._inverted) > 1 and sum(found.bytes for found in self._inverted.values()) > _MEMORY:
            self._inverted.popitem(last=False)
        return self._inverted[key]

    def _prepared(self, scene: Scene, spec: EditSpec, check: Check) -> Denoiser:
        self._check = check
        prompt = spec.prompt if spec.prompt is not None else scene.prompt
        settings = DiffusionSettings.model_validate(
            spec.diffusion.model_dump() | {"steps": STEPS, "view_batch": 1, "guidance": {}}
        )
        key = (prompt, settings)
        if self._denoiser is None or self._denoiser[0] != key:
            self._denoiser = key, Denoiser(self._backbone, settings, prompt, check=lambda: self._check())
        return self._denoiser[1]

    def _camera(self, scene: Scene, view: str, spec: EditSpec) -> Camera:
        camera = scene.view(view).camera
        longer = spec.image_size or self._backbone.image_size
        height, width = picture_size(camera, longer, self._backbone.size_multiple)
        return camera.scaled(width, height)
