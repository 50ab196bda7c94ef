"""The settings of an earlier edit, from its folder or from one of its pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import ValidationError

from qnerf_core.body.pose import BodyPose
from qnerf_core.body.pose_file import parse_pose, read_pose
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import FileFormatError, StudioError
from qnerf_core.proxy.files import proxy_of_record, read_proxy
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.runs.folder import SETTINGS_KEY, RunFolder
from qnerf_core.runs.scenes import load_run_scene
from qnerf_core.scene.capture import TARGET_FILES

_NEXT_STEP = "Use a picture from the folder `edited` of a run, as this program wrote it."


@dataclass(frozen=True, eq=False)
class Recalled:
    """What an earlier edit was asked for.

    Attributes:
        spec: All settings.
        pose: The target; None if it is no pose, or its file is gone.
        proxy: The target; None if it is no proxy, or its file is gone.
    """

    spec: EditSpec
    pose: BodyPose | None = None
    proxy: DepthProxy | None = None


def recall_run(run: Path | str) -> Recalled:
    """Read the settings of a run.

    Args:
        run: Its folder.

    Raises:
        RunError: It holds no run, or one that cannot be read.
    """
    spec = RunFolder(run).spec
    return _with_target(spec)


def recall_from_png(path: Path | str) -> Recalled:
    """Read the settings that a result carries in its iTXt chunk.

    Args:
        path: A picture from a run's folder ``edited`` or from an exported set.

    Raises:
        FileFormatError: It is not a picture, carries no settings, or they are damaged or of another version.
    """
    title = f"Cannot recall settings from {Path(path).name}"
    settings = _settings(Path(path), title)
    try:
        spec = EditSpec.model_validate(settings["spec"])
    except (KeyError, ValidationError) as error:
        raise FileFormatError(title, "its settings are not understood by this version", _NEXT_STEP) from error
    own = settings.get(Path(TARGET_FILES["skeleton"]).stem)
    if own is not None:
        return Recalled(spec, parse_pose(own, title))
    own = settings.get(Path(TARGET_FILES["depth"]).stem)
    if own is not None:
        return Recalled(spec, proxy=proxy_of_record(own, title))
    return _with_target(spec)


def _settings(path: Path, title: str) -> dict[str, Any]:
    try:
        with Image.open(path) as image:
            image.load()
            text = getattr(image, "text", {}).get(SETTINGS_KEY)
    # Pillow reports broken files by any of these, depending on the format and on where the damage is.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FileFormatError(title, f"it is missing, damaged or not an image ({error})", _NEXT_STEP) from error
    if text is None:
        raise FileFormatError(title, "it carries none", _NEXT_STEP)
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise FileFormatError(title, f"its settings are damaged ({error})", _NEXT_STEP) from error
    if not isinstance(settings, dict):
        raise FileFormatError(title, "its settings are damaged", _NEXT_STEP)
    return settings


def _with_target(spec: EditSpec) -> Recalled:
    path = Path(spec.edit)
    try:
        if path.is_file():
            is_proxy = path.name == TARGET_FILES["depth"]
        else:
            capture = load_run_scene(spec.scene)[1]
            if capture is None:
                return Recalled(spec)
            path, is_proxy = capture.edit(spec.edit).target_path, capture.control == "depth"
        return Recalled(spec, proxy=read_proxy(path)) if is_proxy else Recalled(spec, read_pose(path))
    except StudioError:
        return Recalled(spec)
