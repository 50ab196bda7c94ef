"""The scene that a run edits."""

from __future__ import annotations

from qnerf_core.scene.capture import load_scene as load_run_scene

__all__ = ["load_run_scene"]
