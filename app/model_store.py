"""The user's models: where their registry lies, and names in it turned into paths."""

from __future__ import annotations

from pathlib import Path

from qnerf_core.models.store import ModelStore

from app.paths import data_folder


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
