"""How a capture is read: its repairs, its frame, the size of its pictures. Kept beside it, never in its files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qnerf_core import files
from qnerf_core.errors import CaptureError
from qnerf_core.scene.problems import Repair

Vector = tuple[float, float, float]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FrameSettings(_Settings):
    """Where the subject stands.

    Attributes:
        mode: "keep" takes the capture's own frame, "find" stands it upright on its floor; "auto" finds it for captures
            whose frame is arbitrary (COLMAP), and keeps the others'.
        up: Direction in the capture's own frame that becomes z; None = found.
        centre: Point in the capture's own frame that comes to stand over the origin; None = found.
        scale: Metres of one of the capture's units; None = found.
        lift: Metres added to the height of everything, after the floor was put at zero.
        turn: Degrees by which everything is turned about the vertical, seen from above against the clock.
    """

    mode: Literal["auto", "keep", "find"] = "auto"
    up: Vector | None = None
    centre: Vector | None = None
    scale: float | None = Field(default=None, gt=0)
    lift: float = 0.0
    turn: float = 0.0


class CaptureSettings(_Settings):
    """What is done with a capture when it is read.

    Attributes:
        version: Of this record.
        skip: Keys of frames to leave out.
        orthonormalise: Take scale and shear out of poses.
        model: Which sparse model; None takes the one with most pictures.
        frame: Where the subject stands.
        longest_side: Most pixels of the longer side of a prepared picture.
        shape: Pictures of several shapes are cut ("crop") or bordered ("pad") to one, "keep" leaves them; "auto" crops
            those of several shapes only.
        aspect: Width by height to crop or pad to; None is the commonest of the capture.
        background: Red, green, blue behind transparent pixels.
        region: Lower and upper corner, in metres in the found frame, of the box that holds what is edited.
        masks: Folder of masks that were drawn of the prepared pictures, `<view>.png`, for views that bring none.
        prompt: What the pictures show, in words.
    """

    version: Literal[1] = 1
    skip: tuple[str, ...] = ()
    orthonormalise: bool = False
    model: str | None = None
    frame: FrameSettings = FrameSettings()
    longest_side: int = Field(default=1024, ge=64, le=8192)
    shape: Literal["auto", "keep", "crop", "pad"] = "auto"
    aspect: float | None = Field(default=None, gt=0.1, lt=10)
    background: tuple[int, int, int] = (255, 255, 255)
    region: tuple[Vector, Vector] | None = None
    masks: str | None = None
    prompt: str | None = None

    def repaired(self, repair: Repair) -> CaptureSettings:
        """Return the settings with one more repair.

        Args:
            repair: Of a problem of the capture.
        """
        if repair.kind == "skip":
            return self.model_copy(update={"skip": tuple(dict.fromkeys((*self.skip, repair.value)))})
        if repair.kind == "orthonormalise":
            return self.model_copy(update={"orthonormalise": True})
        if repair.kind == "model":
            return self.model_copy(update={"model": repair.value})
        return self.model_copy(update={"frame": self.frame.model_copy(update={"mode": "find"})})


def captures_folder() -> Path:
    """Return where settings and prepared pictures of captures are kept; QNERF_HOME moves it, as the window's data."""
    home = os.environ.get("QNERF_HOME") or platformdirs.user_data_dir("QNeRF Studio", appauthor=False)
    return Path(home) / "captures"


def source_key(source: Path | str) -> str:
    """Return a short name for the place of a capture.

    Args:
        source: Its folder or file.
    """
    return hashlib.sha256(os.path.abspath(source).encode()).hexdigest()[:12]


def settings_path(source: Path | str) -> Path:
    """Return where the settings of a capture are.

    Args:
        source: Its folder or file.
    """
    return captures_folder() / "settings" / f"{source_key(source)}.json"


def read_settings(source: Path | str) -> CaptureSettings:
    """Read the settings of a capture; those of one that has none are the defaults.

    Args:
        source: Its folder or file.

    Raises:
        CaptureError: The record is damaged.
    """
    path = settings_path(source)
    if not path.is_file():
        return CaptureSettings()
    try:
        return CaptureSettings.model_validate(files.read_json(path)["settings"])
    except (ValidationError, KeyError, TypeError) as error:
        raise CaptureError(
            f"Cannot read the repairs of {source}",
            f"{path} is damaged",
            f"Remove them with: python main.py inspect {source} --reset",
        ) from error


def write_settings(source: Path | str, settings: CaptureSettings) -> None:
    """Keep the settings of a capture.

    Args:
        source: Its folder or file.
        settings: From now on.
    """
    path = settings_path(source)
    if settings == CaptureSettings():
        path.unlink(missing_ok=True)
    else:
        files.write_json(path, {"source": os.path.abspath(source), "settings": settings.model_dump(mode="json")})
