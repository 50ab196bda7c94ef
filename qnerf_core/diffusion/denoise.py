"""One step of the base editor for a batch of views: control, guidance scale, injected K and V (method.md 1.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from qnerf_core.diffusion.attention import (
    QueryLayer,
    capture_features,
    capture_queries,
    finer_than_coarsest,
    inject_features,
    replace_queries,
    to_map,
    truncated_unet,
)
from qnerf_core.diffusion.backbone import Backbone
from qnerf_core.diffusion.schedule import make_schedule
from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.errors import SettingsError


@dataclass(frozen=True, eq=False)
class StepResult:
    """What a denoising step gives.

    Attributes:
        latents: (B, 4, h, w) at the next level.
        clean: (B, 4, h, w), the predicted clean latents.
        queries: Per query layer (B, C, h, w) of the conditional half; empty unless asked for.
    """

    latents: torch.Tensor
    clean: torch.Tensor
    queries: tuple[torch.Tensor, ...]


class Denoiser:
    """A backbone with its schedule, prompts and settings: the base editor, called once per step and batch of views.

    Attributes:
        backbone: The model.
        schedule: Its noise levels.
        settings: All choices.
        layers: The query layers that consolidation works with.
        injected_layers: The layers that receive the original's keys and values.
        describes_sources: Whether the source branch wants control images of the originals.
        calls: Views that went through the network, by stage (`stage` is set by the owner).
        stage: Under which name calls are counted.
    """

    def __init__(
        self,
        backbone: Backbone,
        settings: DiffusionSettings,
        prompt: str,
        *,
        source_prompt: str = "",
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare the prompts.

        Args:
            backbone: The model.
            settings: All choices.
            prompt: Of the edited branch.
            source_prompt: What the originals show, where the source branch is described.
            check: Called before every pass through the network; raises to stop.

        Raises:
            BackboneError: The model's scheduler cannot be inverted.
            SettingsError: A layer index is beyond the layers of this model.
        """
        self.backbone = backbone
        self.schedule = make_schedule(
            backbone.scheduler_config, settings.steps, settings.strength_with(backbone.habits)
        )
        self.settings = settings
        self.calls: Counter[str] = Counter()
        self.stage = "kept"
        self._check = check
        self._text = backbone.encode_prompt(prompt)
        self.describes_sources = settings.source_branch == "described"
        if settings.source_branch == "auto":
            self.describes_sources = backbone.habits.source_branch == "described"
        shown = source_prompt if self.describes_sources else ""
        self._source_text = backbone.encode_prompt(settings.inversion_prompt or shown)
        self._negative_text = backbone.encode_prompt(settings.negative_prompt)
        found = backbone.query_layers
        chosen = settings.guidance.layers if settings.guidance.layers is not None else tuple(range(len(found)))
        first = settings.injection.first_layer
        first = finer_than_coarsest(found) if first is None else first
        if not chosen or max(chosen) >= len(found) or min(chosen) < 0 or first >= len(found):
            raise SettingsError(
                "A query layer does not exist",
                f"layers {chosen} guide and injection starts at {first}, but this model has {len(found)}",
                f"Choose among 0 to {len(found) - 1}.",
            )
        self.layers: tuple[QueryLayer, ...] = tuple(found[index] for index in sorted(set(chosen)))
        self.injected_layers: tuple[QueryLayer, ...] = found[first:] if settings.injection.enabled else ()
        self._query_unet = truncated_unet(backbone.unet, self.layers[-1])
        self._before_last = found[: found.index(self.layers[-1]) + 1]
        self._source_unet = truncated_unet(backbone.unet, found[-1])

    def injects(self, step: int) -> bool:
        """Tell whether a step uses the original's keys and values.

        Args:
            step: Index of the step.
        """
        start = round(self.settings.injection.start_fraction * self.schedule.steps)
        return bool(self.injected_layers) and step >= start

    @torch.no_grad()
    def source(
        self, latents: torch.Tensor, timestep: int, control: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Run the source branch: source prompt, no guidance scale.

        Args:
            latents: (B, 4, h, w) of the original.
            timestep: Their noise level.
            control: (B, C, h, w) from `Backbone.embed_control`, of what the originals show; None leaves it free.

        Returns:
            The network's output and the features of the injected layers.
        """
        with capture_features(self.injected_layers) as features:
            output = self._run(self.backbone.unet, latents, timestep, self._source_text, control)
        return output, tuple(features)

    @torch.no_grad()
    def source_features(
        self, latents: torch.Tensor, timestep: int, control: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, ...]:
        """Like `source`, without computing the output.

        Args:
            latents, timestep, control: As of `source`.
        """
        with capture_features(self.injected_layers) as features:
            self._run(self._source_unet, latents, timestep, self._source_text, control)
        return tuple(features)

    @torch.no_grad()
    def step(
        self,
        latents: torch.Tensor,
        step: int,
        control: torch.Tensor,
        source: Sequence[torch.Tensor] | None = None,
        *,
        biases: Mapping[int, torch.Tensor] | None = None,
        hard_queries: Sequence[torch.Tensor] | None = None,
        record: bool = False,
    ) -> StepResult:
        """Make one step of the base editor.

        Args:
            latents: (B, 4, h, w) at level `step`.
            step: Index of the step.
            control: (B, C, h, w) from `Backbone.embed_control`.
            source: Features of the original at this step, None for no injection.
            biases: What is added to the logits of the layers that receive them, see `inject_features`.
            hard_queries: Per query layer (B, C, h, w) that overrule the network's own (ablation).
            record: Return the queries (before they are overruled).
        """
        timestep = self.schedule.timesteps[step]
        scale = self.settings.guidance_scale
        views = latents.shape[0]
        inputs, text = latents, self._text.expand(views, -1, -1)
        if scale > 1.0:
            inputs = torch.cat([latents, latents])
            text = torch.cat([self._negative_text.expand(views, -1, -1), text])
            control = torch.cat([control, control])
        with ExitStack() as taps:
            captured = taps.enter_context(capture_queries(self.layers if record else ()))
            if source is not None:
                taps.enter_context(inject_features(self.injected_layers, source, biases))
            if hard_queries is not None:
                taps.enter_context(replace_queries(self.layers, hard_queries))
            output = self._run(self.backbone.unet, inputs, timestep, text, control)
        if scale > 1.0:
            unconditional, conditional = output.chunk(2)
            output = unconditional + scale * (conditional - unconditional)
        following, clean = self.schedule.step(output, latents, step)
        return StepResult(following, clean, self._maps([query[-views:] for query in captured], latents))

    def queries(
        self,
        latents: torch.Tensor,
        step: int,
        control: torch.Tensor,
        source: Sequence[torch.Tensor] | None = None,
        *,
        biases: Mapping[int, torch.Tensor] | None = None,
        through_control: bool = True,
    ) -> tuple[torch.Tensor, ...]:
        """Compute only the queries of the conditional half; the network is left after the last of them.

        Differentiable with respect to the latents if gradients are enabled.

        Args:
            latents: (B, 4, h, w) at level `step`.
            step: Index of the step.
            control: (B, C, h, w) from `Backbone.embed_control`.
            source: Features of the original at this step, None for no injection.
            biases: As of `step`.
            through_control: False treats the ControlNet's output as constant.

        Returns:
            Per query layer (B, C, h, w).
        """
        timestep = self.schedule.timesteps[step]
        text = self._text.expand(latents.shape[0], -1, -1)
        with ExitStack() as taps:
            captured = taps.enter_context(capture_queries(self.layers))
            if source is not None:
                pairs = [
                    (layer, feature)
                    for layer, feature in zip(self.injected_layers, source, strict=True)
                    if layer in self._before_last
                ]
                taps.enter_context(inject_features([pair[0] for pair in pairs], [pair[1] for pair in pairs], biases))
            self._run(self._query_unet, latents, timestep, text, control, through_control=through_control)
        return self._maps(captured, latents)

    def _maps(self, tokens: Sequence[torch.Tensor], latents: torch.Tensor) -> tuple[torch.Tensor, ...]:
        size = (int(latents.shape[2]), int(latents.shape[3]))
        return tuple(to_map(query, layer.shape(size)) for query, layer in zip(tokens, self.layers, strict=False))

    def _run(
        self,
        unet: torch.nn.Module,
        latents: torch.Tensor,
        timestep: int,
        text: torch.Tensor,
        control: torch.Tensor | None = None,
        *,
        through_control: bool = True,
    ) -> torch.Tensor:
        self._check()
        self.calls[self.stage] += int(latents.shape[0])
        self.backbone.call_in("steps")
        text = text.expand(latents.shape[0], -1, -1)
        # Latents are float32 whatever the network computes in: rounded at every step they would drift.
        inputs = latents.to(self.backbone.dtype)
        residuals: dict[str, object] = {}
        if control is not None:
            with torch.set_grad_enabled(torch.is_grad_enabled() and through_control):
                down, middle = self.backbone.control_residuals(
                    inputs, timestep, text, control, self.settings.control_scale
                )
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        output = unet(inputs, timestep, encoder_hidden_states=text, return_dict=False, **residuals)[0]
        return torch.as_tensor(output).to(latents.dtype)
