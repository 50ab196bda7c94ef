"""Keypoints found by a detector: those of this program, and any that an installed package offers.

A package offers one by an entry point of the group `qnerf_studio.keypoint_detectors`, which names a function without
arguments that returns a `Detector`. What it finds are proposals: clicks go before them, and the fit leaves out what
does not agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Protocol

import numpy as np

from qnerf_core.body import blazepose
from qnerf_core.body.keypoints import KEYPOINTS, Sighting
from qnerf_core.errors import Cancelled, KeypointsError
from qnerf_core.files import read_image
from qnerf_core.scene.scene import View

GROUP = "qnerf_studio.keypoint_detectors"
_LEAST_CONFIDENCE = 0.1


class Detector(Protocol):
    """Finds the keypoints of the one subject of a picture."""

    def __call__(self, picture: np.ndarray) -> Sequence[tuple[str, float, float, float]]:
        """Find keypoints.

        Args:
            picture: (H, W, 3) uint8 RGB.

        Returns:
            Name (of `KEYPOINTS`; others are passed over), x and y in pixels, confidence from 0 to 1.
        """


def detector_names() -> tuple[str, ...]:
    """Detectors that can be used as this program is installed."""
    own = (blazepose.NAME,) if blazepose.is_installed() else ()
    return (*own, *sorted(point.name for point in entry_points(group=GROUP)))


def load_detector(name: str) -> Detector:
    """Load a detector.

    Args:
        name: One of `detector_names`.

    Raises:
        KeypointsError: There is none of that name, or it cannot be loaded.
    """
    if name == blazepose.NAME:
        return blazepose.load()
    for point in entry_points(group=GROUP):
        if point.name == name:
            try:
                make: Callable[[], Detector] = point.load()
                return make()
            except (ImportError, AttributeError, OSError, RuntimeError) as error:
                raise KeypointsError(
                    f"The detector {name} cannot be loaded", str(error), "Install it again, or click the joints."
                ) from error
    known = ", ".join(detector_names())
    raise KeypointsError(
        f"There is no detector {name!r}",
        f"installed are: {known}" if known else "none is installed",
        blazepose.HOW_TO_INSTALL,
    )


def detect(
    detector: Detector, name: str, views: Sequence[View], cancelled: Callable[[], bool] | None = None
) -> Iterator[Sighting]:
    """Find keypoints in pictures, one after the other.

    Args:
        detector: What finds them.
        name: What it is called.
        views: Whose pictures.
        cancelled: Asked before every picture.

    Yields:
        What is found with some confidence inside the pictures.

    Raises:
        FileFormatError: A picture cannot be read.
        Cancelled: It was.
    """
    for view in views:
        if cancelled and cancelled():
            raise Cancelled("The search for keypoints is stopped")
        picture = read_image(view.image_path)
        height, width = picture.shape[:2]
        scale = (view.camera.width / width, view.camera.height / height)
        for keypoint, x, y, confidence in detector(picture):
            if keypoint in KEYPOINTS and confidence >= _LEAST_CONFIDENCE and 0 <= x < width and 0 <= y < height:
                yield Sighting(view.name, keypoint, x * scale[0], y * scale[1], min(float(confidence), 1.0), name)
