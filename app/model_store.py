"""The user's models: where their registry lies, and names in it turned into paths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.paths import data_folder
from qnerf_core.errors import BackboneError
from qnerf_core.models.store import Control, ModelEntry, ModelStore

if TYPE_CHECKING:
    from qnerf_core.editing.spec import EditSpec


def model_store() -> ModelStore:
    return ModelStore(data_folder() / "models")


def located(value: str | None) -> str | None:
    """A name of the store as its path, a path as an absolute one; anything else as it is."""
    if value is None or value == "builtin":
        return value
    entry = model_store().find(value)
    if entry is not None:
        return entry.place
    return str(Path(value).resolve()) if Path(value).exists() else value


def bases() -> tuple[ModelEntry, ...]:
    return tuple(entry for entry in model_store().entries() if entry.kind == "base")


def equipped(spec: EditSpec, control: Control) -> EditSpec:
    """With paths for names of the store, and its ControlNet that fits if the model brings none and none was chosen.

    Raises:
        BackboneError: several fit.
    """
    named = {name: located(getattr(spec.model, name)) for name in ("controlnet", "lora")}
    spec = spec.model_copy(update={"model": spec.model.model_copy(update=named)})
    if spec.backbone == "builtin" or spec.model.controlnet is not None:
        return spec
    base = next((entry for entry in bases() if entry.place == spec.backbone), None)
    own = [f"controlnet_{control}", *(["controlnet"] if control == "skeleton" else [])]
    if base is None or any((Path(base.place) / name).is_dir() for name in own):
        return spec
    found = model_store().companions(base, control)
    if len(found) > 1:
        names = ", ".join(entry.name for entry in found)
        raise BackboneError(
            f"Several ControlNets for {control} fit {base.name}", names, "Choose one by --controlnet, or delete others."
        )
    if not found:
        return spec
    return spec.model_copy(update={"model": spec.model.model_copy(update={"controlnet": found[0].place})})
