"""A small real edit: three views of 64 pixels, a tiny random model, the real engine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from qnerf_core import assets
from qnerf_core.editing.spec import EditSpec
from tests.synthetic_capture import write_capture
from tests.tiny_models import builtin_like


def small_capture(folder: Path) -> Path:
    write_capture(folder, views=4, heldout=1)
    shutil.copy(assets.poses_folder() / "stand.json", folder / "source_pose.json")
    for edit in ("up", "aside"):
        shutil.copy(assets.poses_folder() / "arms-raised.json", folder / "edits" / edit / "pose.json")
    return folder


def small_spec(capture: Path, **changes: Any) -> EditSpec:
    """Intervals of one kept and one looked-ahead step, of which two are guided."""
    diffusion = {"steps": 4, "view_batch": 1, "guidance": {"alpha": 0.05, "stop_fraction": 0.75}}
    content = {
        "scene": str(capture),
        "edit": "up",
        "backbone": str(builtin_like()),
        "tau": 1,
        "diffusion": diffusion | changes.pop("diffusion", {}),
        "qnerf": {"iterations": 4, "warm_iterations": 2, "batch_rays": 128},
    }
    return EditSpec.model_validate(content | changes)


def edited(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "edited").glob("*.png"))}
