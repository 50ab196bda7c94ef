"""One view edited in a few steps, on its own: what the edit will look like, shown while it is being shaped."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.diffusion.inversion import Features, invert
from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.editing.background import KeptBackground
from qnerf_core.editing.details import DraftDetails, finished
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.spec import EditSpec

STEPS = 6
_MEMORY = 600e6
_VIEW = slice(0, 1)

Check = Callable[[], None]


@dataclass(frozen=True, eq=False)
class _Inverted:
    """A view's (steps + 1, 1, 4, h, w) inversion, with the features that each step is fed with."""

    trajectory: torch.Tensor
    features: dict[int, Features]

    @property
    def bytes(self) -> int:
        return sum(part.nbytes for features in self.features.values() for part in features)


class Previewer:
    """The independent editor with few steps: the same as a run of one view with method "independent".

    Inversions are kept per picture and settings, which makes the next preview of a view quick.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._inverted: OrderedDict[tuple[object, ...], _Inverted] = OrderedDict()
        self._denoiser: tuple[tuple[object, ...], Denoiser] | None = None
        self._check: Check = lambda: None

    def render(self, inputs: EditInputs, spec: EditSpec, check: Check) -> np.ndarray:
        """Edit a view.

        Args:
            inputs: Of one view.
            spec: Injection, scales and background are used; steps and what consolidates are not.
            check: Called before every pass through the network; raises to stop.

        Returns:
            uint8 (H, W, 3), of the size the diffusion works at.

        Raises:
            StudioError: The settings do not fit the model.
        """
        backbone = inputs.backbone
        inverted = self.invert(inputs, spec, check)
        denoiser = self._prepared(inputs, spec, check)
        background = None
        if inputs.region is not None:
            background = KeptBackground(
                inputs.region, inputs.images, inverted.trajectory.float().cpu(), backbone.decode_latents
            )
        control = backbone.embed_control(inputs.controls)
        latents = inputs.start(inverted.trajectory, denoiser.schedule.alphas[0] ** 0.5, _VIEW)
        biases = None
        if inputs.maps is not None:
            made = inputs.maps.biases(_VIEW, denoiser.injected_layers)
            biases = {reduction: bias.to(latents) for reduction, bias in made.items()}
        for step in range(STEPS):
            latents = denoiser.step(latents, step, control, inverted.features.get(step), biases=biases).latents
            if background is not None:
                latents = background.latents(latents, step + 1, _VIEW)
        check()
        details = DraftDetails.of(inputs, spec.diffusion)
        pictures = finished(backbone.decode_latents(latents).cpu(), _VIEW, details, background)
        pixels: np.ndarray = pictures[0].mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()
        return pixels

    def invert(self, inputs: EditInputs, spec: EditSpec, check: Check) -> _Inverted:
        """Do the part of a preview that does not depend on the target, or find it done.

        Args:
            inputs: Of one view.
            spec: See `render`.
            check: See `render`.
        """
        backbone = inputs.backbone
        denoiser = self._prepared(inputs, spec, check)
        settings = spec.diffusion
        picture = hash(inputs.images.numpy().tobytes())
        shown = hash(inputs.source_controls.numpy().tobytes()) if denoiser.describes_sources else None
        branch = (shown, settings.source_branch, settings.inversion_prompt, inputs.source_prompt)
        key = (id(backbone), picture, branch, settings.injection.model_dump_json())
        if key in self._inverted:
            self._inverted.move_to_end(key)
            return self._inverted[key]
        check()
        trajectory: list[torch.Tensor] = [backbone.encode_images(inputs.images)]
        features: dict[int, Features] = {}
        control = backbone.embed_control(inputs.source_controls) if denoiser.describes_sources else None
        for _, latents in invert(denoiser, trajectory[0], features.__setitem__, control):
            trajectory.append(latents)
        if denoiser.injects(0):
            features[0] = denoiser.source_features(trajectory[-1], denoiser.schedule.timesteps[0], control)
        kept = {step: found for step, found in features.items() if denoiser.injects(step)}
        self._inverted[key] = _Inverted(torch.stack(trajectory[::-1]), kept)
        while len(self._inverted) > 1 and sum(found.bytes for found in self._inverted.values()) > _MEMORY:
            self._inverted.popitem(last=False)
        return self._inverted[key]

    def _prepared(self, inputs: EditInputs, spec: EditSpec, check: Check) -> Denoiser:
        self._check = check
        settings = DiffusionSettings.model_validate(
            spec.diffusion.model_dump() | {"steps": STEPS, "view_batch": 1, "guidance": {}}
        )
        prompts = (inputs.prompt, inputs.source_prompt)
        key = (id(inputs.backbone), prompts, settings)
        if self._denoiser is None or self._denoiser[0] != key:
            self._denoiser = (
                key,
                Denoiser(inputs.backbone, settings, prompts[0], source_prompt=prompts[1], check=lambda: self._check()),
            )
        return self._denoiser[1]
