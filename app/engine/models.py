"""Diffusion models that stay loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qnerf_core.diffusion.backbone import Backbone
    from qnerf_core.editing.spec import EditSpec


class Models:
    """The last model that was asked for, loaded again when its files changed."""

    def __init__(self) -> None:
        self._loaded: tuple[tuple[object, ...], Backbone] | None = None

    def of(self, spec: EditSpec) -> Backbone:
        from app.doctor import best_device
        from qnerf_core.editing.inputs import control_kind, load_backbone
        from qnerf_core.runs.provenance import model_hash

        key = (spec.backbone, control_kind(spec), model_hash(spec.backbone))
        if self._loaded is None or self._loaded[0] != key:
            # The old one first: two large ones may not fit.
            self._loaded = None
            self._loaded = key, load_backbone(spec, best_device())
        return self._loaded[1]
