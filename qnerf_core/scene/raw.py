"""A capture as its files describe it, before anything is undistorted, resized or moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qnerf_core.scene.camera import Camera
from qnerf_core.scene.lens import Lens
from qnerf_core.scene.problems import Problem

Kind = Literal["nerfstudio", "blender", "colmap", "photos"]


@dataclass(frozen=True, eq=False)
class RawView:
    """One picture as a capture names it.

    Attributes:
        key: Names the frame in the capture's own files; repairs know it by this.
        name: For people, unique in the capture.
        image_path: The picture.
        lens: Of its camera, with distortion.
        camera_to_world: (4, 4) float64, OpenGL axes, in the capture's own frame and unit.
        mask_path: White where the subject is.
        depth_path: 16-bit millimetres (thousandths of the unit) along the viewing axis.
        heldout: Kept out of edits and training.
        turned: Whether lens and pose mean the picture turned as EXIF says; None = told by its size.
    """

    key: str
    name: str
    image_path: Path
    lens: Lens
    camera_to_world: np.ndarray
    mask_path: Path | None = None
    depth_path: Path | None = None
    heldout: bool = False
    turned: bool | None = None

    @property
    def camera(self) -> Camera:
        """The camera, as if the lens did not distort."""
        return self.lens.camera(self.camera_to_world)


@dataclass(frozen=True)
class SparseModel:
    """One of several reconstructions that a COLMAP folder holds.

    Attributes:
        name: Its folder, relative to the capture's.
        images: How many pictures have a pose.
        points: How many points.
        error: Mean reprojection error in pixels; None = not told.
    """

    name: str
    images: int
    points: int
    error: float | None = None

    def __str__(self) -> str:
        error = "" if self.error is None else f", {self.error:.2f} px"
        return f"{self.name} ({self.images} images, {self.points} points{error})"


@dataclass(frozen=True, eq=False)
class RawCapture:
    """A capture as far as its files could be understood.

    Attributes:
        kind: Which reader understood it.
        name: For people.
        root: Folder that holds everything.
        views: The frames without an error.
        problems: Everything wrong with the files that name the pictures; the pictures are not opened.
        points: (N, 3) float64 sparse points in the capture's frame; None = it has none.
        bounds: (2, 3) box of what is seen, None = unknown.
        prompt: What the pictures show.
        own: Written by this program: nothing needs to be prepared.
        models: What there is to choose from, the chosen one first; empty where there is no choice.
        upright: Whether its z axis is known to point upwards.
        region: (2, 3) box that an edit has to stay in, None = no limit.
        carried: Keys that other programs need to go on from here to where the capture came from.
    """

    kind: Kind
    name: str
    root: Path
    views: tuple[RawView, ...]
    problems: tuple[Problem, ...] = ()
    points: np.ndarray | None = None
    bounds: np.ndarray | None = None
    prompt: str = ""
    own: bool = False
    models: tuple[SparseModel, ...] = ()
    upright: bool = True
    carried: Mapping[str, Any] = field(default_factory=dict)
    region: np.ndarray | None = None
