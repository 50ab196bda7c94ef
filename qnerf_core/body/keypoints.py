"""Where joints of a subject are seen in pictures, clicked by hand or found by a detector; and files of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qnerf_core.body.openpose import OPENPOSE_18
from qnerf_core.errors import FileFormatError, KeypointsError
from qnerf_core.files import read_json, write_json
from qnerf_core.scene.scene import Scene

KEYPOINTS: tuple[str, ...] = (*OPENPOSE_18, "left_hand", "right_hand", "left_foot", "right_foot")
"""What can be seen of a body: OpenPose's 18, the middle of the knuckles, and where the toes begin."""

BY_HAND = "hand"
FORMAT = "qnerf-studio-keypoints"
VERSION = 1
CONVENTION = (
    "pixels from the upper left corner of a picture of the given size, the middle of the first pixel is at 0.5, 0.5; "
    "left and right are the subject's own; several points of one name in one picture are several looks at it"
)


@dataclass(frozen=True)
class Sighting:
    """One look at a keypoint.

    Attributes:
        view: Name of the view.
        keypoint: Of `KEYPOINTS`.
        x, y: Pixels of the view's picture.
        confidence: From 0 to 1; how much it counts.
        by: `BY_HAND`, or the name of the detector that found it.
    """

    view: str
    keypoint: str
    x: float
    y: float
    confidence: float = 1.0
    by: str = BY_HAND


@dataclass(frozen=True)
class Keypoints:
    """All that was seen of one subject, in the order in which it was."""

    sightings: tuple[Sighting, ...] = ()

    def __len__(self) -> int:
        return len(self.sightings)

    def __iter__(self) -> Iterator[Sighting]:
        return iter(self.sightings)

    def with_sighting(self, sighting: Sighting) -> Keypoints:
        """With one more, which replaces those of the same keypoint in the same view.

        Args:
            sighting: What is seen.
        """
        return Keypoints((*self.without(sighting.view, sighting.keypoint).sightings, sighting))

    def without(self, view: str, keypoint: str) -> Keypoints:
        """Without one keypoint in one view.

        Args:
            view: Name of the view.
            keypoint: Of `KEYPOINTS`.
        """
        return Keypoints(tuple(one for one in self.sightings if (one.view, one.keypoint) != (view, keypoint)))

    def of_view(self, view: str) -> tuple[Sighting, ...]:
        """What was seen in one view."""
        return tuple(one for one in self.sightings if one.view == view)

    def of_keypoint(self, keypoint: str) -> tuple[Sighting, ...]:
        """Where one keypoint was seen."""
        return tuple(one for one in self.sightings if one.keypoint == keypoint)

    def found_again(self, found: Iterable[Sighting]) -> Keypoints:
        """With what a detector found: it replaces what detectors found before, and never what a hand clicked.

        Args:
            found: By a detector.
        """
        by_hand = [one for one in self.sightings if one.by == BY_HAND]
        taken = {(one.view, one.keypoint) for one in by_hand}
        return Keypoints((*by_hand, *(one for one in found if (one.view, one.keypoint) not in taken)))


def write_keypoints(path: Path | str, keypoints: Keypoints, scene: Scene) -> None:
    """Write keypoints so that `read_keypoints` gives the same, view by view.

    Args:
        path: Where to; replaced atomically.
        keypoints: What to write.
        scene: The capture they were seen in.

    Raises:
        CaptureError: A view is not in the scene.
    """
    write_json(path, keypoints_record(keypoints, scene))


def keypoints_record(keypoints: Keypoints, scene: Scene) -> dict[str, Any]:
    """Keypoints as the JSON object of a file, to be kept inside another file.

    Args:
        keypoints: What to keep.
        scene: The capture they were seen in.

    Raises:
        CaptureError: A view is not in the scene.
    """
    views: dict[str, Any] = {}
    for one in keypoints:
        camera = scene.view(one.view).camera
        entry = views.setdefault(one.view, {"size": [camera.width, camera.height], "points": []})
        entry["points"].append(
            {"keypoint": one.keypoint, "pixel": [one.x, one.y], "confidence": one.confidence, "by": one.by}
        )
    return {"format": FORMAT, "version": VERSION, "convention": CONVENTION, "views": views}


def read_keypoints(path: Path | str, scene: Scene) -> Keypoints:
    """Read keypoints for a capture; those of pictures of another size are scaled.

    Args:
        path: The file.
        scene: The capture they belong to.

    Raises:
        KeypointsError: It is missing, not JSON, of another format or a newer version, names an unknown view or
            keypoint, or a value is wrong; the error names the place in the file.
    """
    try:
        content = read_json(path)
    except FileFormatError as error:
        raise KeypointsError(error.title, error.cause, error.next_step) from error
    return parse_keypoints(content, scene, f"Cannot read the keypoints {path}")


def parse_keypoints(content: Any, scene: Scene, title: str) -> Keypoints:
    """Read the JSON object of a file of keypoints.

    Args:
        content: What `keypoints_record` gave, after a way through JSON.
        scene: The capture they belong to.
        title: What fails if it is wrong, for the error.

    Raises:
        KeypointsError: As `read_keypoints`.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise KeypointsError(title, f'"format" should be "{FORMAT}"', "Choose a file of keypoints.")
    version = content.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION:
        raise KeypointsError(
            title, f"its version is {version!r}, this program reads versions up to {VERSION}", "Update QNeRF Studio."
        )
    views = content.get("views")
    if not isinstance(views, dict):
        raise KeypointsError(title, '"views" is missing or not an object', "Write the file again.")
    sightings: list[Sighting] = []
    cameras = {view.name: view.camera for view in scene.views}
    for name, entry in views.items():
        where = f'"views" -> "{name}"'
        if name not in cameras:
            raise KeypointsError(title, f"{where}: {scene.name} has no such view", "Choose the capture's own file.")
        if not isinstance(entry, dict) or not isinstance(entry.get("points"), list):
            raise KeypointsError(title, f'{where} -> "points" should be a list', "Correct it.")
        width, height = _two(title, f'{where} -> "size"', entry.get("size"))
        if width <= 0 or height <= 0:
            raise KeypointsError(title, f'{where} -> "size" should be above 0', "Correct it.")
        scale = (cameras[name].width / width, cameras[name].height / height)
        for number, point in enumerate(entry["points"], 1):
            one = _sighting(title, f"{where} -> point {number}", name, point)
            sightings.append(replace(one, x=one.x * scale[0], y=one.y * scale[1]))
    return Keypoints(tuple(sightings))


def _sighting(title: str, where: str, view: str, point: Any) -> Sighting:
    if not isinstance(point, Mapping) or point.get("keypoint") not in KEYPOINTS:
        found = point.get("keypoint") if isinstance(point, Mapping) else point
        raise KeypointsError(title, f"{where}: {found!r} is no keypoint", f"Known are: {', '.join(KEYPOINTS)}.")
    x, y = _two(title, f'{where} -> "pixel"', point.get("pixel"))
    confidence = point.get("confidence", 1.0)
    if not _is_number(confidence) or not 0.0 <= confidence <= 1.0:
        raise KeypointsError(title, f'{where} -> "confidence" should lie within 0 and 1', "Correct it.")
    by = point.get("by", BY_HAND)
    if not isinstance(by, str):
        raise KeypointsError(title, f'{where} -> "by" should be a name', "Correct it.")
    return Sighting(view, str(point["keypoint"]), x, y, float(confidence), by)


def _two(title: str, where: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not all(_is_number(item) for item in value):
        raise KeypointsError(title, f"{where} should be two finite numbers", "Correct it.")
    return float(value[0]), float(value[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e9 < value < 1e9
