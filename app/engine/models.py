"""Diffusion models that stay loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qnerf_core.diffusion.backbone import Backbone
    from qnerf_core.diffusion.settings import ModelSettings
    from qnerf_core.scene.capture import ControlKind


class Models:
    """The last model that was asked for, loaded again when its files changed."""

    def __init__(self) -> None:
        self._loaded: tuple[tuple[object, ...], Backbone] | None = None

    def rest(self) -> None:
        """Between jobs: only the model stays in the memory."""
        from qnerf_core.diffusion.devices import release_memory

        if self._loaded is not None:
            release_memory(self._loaded[1].device)

    def of(self, name: str, control: ControlKind, settings: ModelSettings) -> Backbone:
        from qnerf_core.diffusion.devices import best_device
        from qnerf_core.editing.inputs import load_backbone
        from qnerf_core.runs.provenance import model_hash

        key = (name, control, settings, model_hash(name, settings))
        if self._loaded is None or self._loaded[0] != key:
            # The old one first: two large ones may not fit.
            self._loaded = None
            self._loaded = key, load_backbone(name, control, best_device(), settings)
        return self._loaded[1]
