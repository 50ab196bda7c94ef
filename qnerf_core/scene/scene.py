"""Views, scenes, and reading their pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qnerf_core import files
from qnerf_core.errors import CaptureError, FileFormatError
from qnerf_core.scene.camera import Camera

MILLIMETRES = 1000.0


@dataclass(frozen=True)
class View:
    """One picture with its camera.

    Attributes:
        name: Unique in its scene.
        camera: Its camera, whose size is the picture's.
        image_path: The picture.
        mask_path: 8-bit picture, white where the subject is.
        depth_path: 16-bit PNG, millimetres along the viewing axis, 0 = unknown.
        heldout: Kept out of edits and training, used to measure.
        boundary_path: Depth of the scene without its subject, as `depth_path`.
    """

    name: str
    camera: Camera
    image_path: Path
    mask_path: Path | None = None
    depth_path: Path | None = None
    heldout: bool = False
    boundary_path: Path | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """A capture: views of one subject from several cameras.

    Attributes:
        name: For people.
        root: Folder that holds the files.
        views: All views, also those kept out.
        bounds: (2, 3) lower and upper corner of the world box that holds everything seen, metres; None = unknown.
        prompt: What the pictures show, in words.
        region: (2, 3) lower and upper corner of the world box that an edit has to stay in, metres; None = no limit.
    """

    name: str
    root: Path
    views: tuple[View, ...]
    bounds: np.ndarray | None = None
    prompt: str = ""
    region: np.ndarray | None = None

    @property
    def training_views(self) -> tuple[View, ...]:
        """The views to edit and to train on."""
        return tuple(view for view in self.views if not view.heldout)

    @property
    def heldout_views(self) -> tuple[View, ...]:
        """The views kept out, to measure with."""
        return tuple(view for view in self.views if view.heldout)

    def view(self, name: str) -> View:
        """Return the view of that name.

        Args:
            name: A view's name.

        Raises:
            CaptureError: There is no such view.
        """
        for view in self.views:
            if view.name == name:
                return view
        raise CaptureError(
            f"There is no view {name!r} in {self.name}",
            f"its views are: {', '.join(view.name for view in self.views)}",
            "Choose one of them.",
        )

    def subset(self, names: Iterable[str]) -> Scene:
        """Return the scene with only the named views, in the order given.

        Args:
            names: Names of views.

        Raises:
            CaptureError: There is no such view.
        """
        return replace(self, views=tuple(self.view(name) for name in names))


def load_image(view: View) -> np.ndarray:
    """Read a view's picture.

    Args:
        view: The view.

    Returns:
        (3, H, W) float32 RGB in [0, 1].

    Raises:
        FileFormatError: The file cannot be read.
        CaptureError: Its size is not the camera's.
    """
    pixels = files.read_image(view.image_path)
    _check_size(view, view.image_path, pixels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1).astype(np.float32) / 255.0)


def load_images(views: Sequence[View]) -> np.ndarray:
    """Read the pictures of several views of one size.

    Args:
        views: At least one view.

    Returns:
        (V, 3, H, W) float32 RGB in [0, 1].

    Raises:
        FileFormatError: A file cannot be read.
        CaptureError: There is no view, or the sizes differ.
    """
    if not views:
        raise CaptureError("There are no views to read", next_step="Choose at least one view.")
    sizes = {(view.camera.width, view.camera.height) for view in views}
    if len(sizes) > 1:
        raise CaptureError(
            "The pictures differ in size", ", ".join(f"{w}x{h}" for w, h in sorted(sizes)), "Use one size per capture."
        )
    return np.stack([load_image(view) for view in views])


def load_mask(view: View) -> np.ndarray:
    """Read a view's mask.

    Args:
        view: A view that has a mask.

    Returns:
        (H, W) bool, True where the subject is.

    Raises:
        FileFormatError: The file cannot be read.
        CaptureError: The view has no mask, or its size is not the camera's.
    """
    if view.mask_path is None:
        raise CaptureError(f"View {view.name} has no mask", next_step="Use a capture with masks.")
    pixels = files.read_raw_image(view.mask_path, mode="L")
    _check_size(view, view.mask_path, pixels)
    return pixels > 127


def load_depth(view: View) -> np.ndarray:
    """Read a view's depth.

    Args:
        view: A view that has a depth picture.

    Returns:
        (H, W) float32, metres along the viewing axis, 0 = unknown.

    Raises:
        FileFormatError: The file cannot be read or is not a 16-bit grey picture.
        CaptureError: The view has no depth, or its size is not the camera's.
    """
    return _read_depth(view, view.depth_path, "depth")


def load_boundary(view: View) -> np.ndarray:
    """Read the depth of a view's scene without its subject.

    Args:
        view: A view that has one.

    Returns:
        As `load_depth`.

    Raises:
        FileFormatError: The file cannot be read or is not a 16-bit grey picture.
        CaptureError: The view has none, or its size is not the camera's.
    """
    return _read_depth(view, view.boundary_path, "boundary depth")


def _read_depth(view: View, path: Path | None, what: str) -> np.ndarray:
    if path is None:
        raise CaptureError(f"View {view.name} has no {what}", next_step="Use a capture with depth pictures.")
    pixels = files.read_raw_image(path)
    if pixels.ndim != 2 or pixels.dtype.itemsize < 2:
        raise FileFormatError(
            f"Cannot read the depth {path}", "it is not a 16-bit grey PNG", "Store millimetres in 16 bits."
        )
    _check_size(view, path, pixels)
    return pixels.astype(np.float32) / np.float32(MILLIMETRES)


def write_depth(path: Path | str, depth: np.ndarray) -> None:
    """Write depth as `load_depth` reads it.

    Args:
        path: Final place, ending with `.png`.
        depth: (H, W) metres along the viewing axis, 0 = unknown; beyond 65.535 m it is written as unknown.
    """
    millimetres = np.rint(np.nan_to_num(depth, posinf=0.0, neginf=0.0) * MILLIMETRES)
    valid = (millimetres > 0) & (millimetres <= np.iinfo(np.uint16).max)
    files.write_image(path, np.where(valid, millimetres, 0).astype(np.uint16))


def _check_size(view: View, path: Path, pixels: np.ndarray) -> None:
    expected = (view.camera.height, view.camera.width)
    if pixels.shape[:2] != expected:
        raise CaptureError(
            f"{path} has the wrong size",
            f"it has {pixels.shape[1]}x{pixels.shape[0]} pixels, its camera {expected[1]}x{expected[0]}",
            "Correct the intrinsics or resize the picture.",
        )
