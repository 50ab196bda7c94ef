from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from qnerf_core.body import blazepose, detectors
from qnerf_core.body.detectors import detect, detector_names, load_detector
from qnerf_core.body.fitting import fit_body
from qnerf_core.body.keypoints import KEYPOINTS, Keypoints
from qnerf_core.body.pose_file import read_pose
from qnerf_core.body.surface import BodySurface
from qnerf_core.errors import Cancelled, KeypointsError
from qnerf_core.files import read_image, write_image
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import View
from tests.body.seen_body import ring

_COLOURS = {"left_wrist": (255, 0, 0), "nose": (0, 0, 255)}


class ColourDetector:
    """Finds dots of colours."""

    def __call__(self, picture: np.ndarray) -> Sequence[tuple[str, float, float, float]]:
        found = []
        for name, colour in _COLOURS.items():
            rows, columns = np.nonzero((picture == colour).all(axis=2))
            if len(rows):
                found.append((name, float(columns.mean() + 0.5), float(rows.mean() + 0.5), 0.9))
        return [*found, ("tail", 3.0, 3.0, 1.0), ("neck", 3.0, 3.0, 0.01), ("right_foot", -4.0, 3.0, 1.0)]


def make_detector() -> ColourDetector:
    return ColourDetector()


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("dots", f"{__name__}:make_detector", detectors.GROUP),
        EntryPoint("broken", "no_such_package_at_all:make", detectors.GROUP),
    ]
    real: Callable[[EntryPoint], object] = EntryPoint.load
    monkeypatch.setattr(detectors, "entry_points", lambda group: points if group == detectors.GROUP else [])
    monkeypatch.setattr(EntryPoint, "load", lambda point: make_detector if point.name == "dots" else real(point))


@pytest.fixture
def views(tmp_path: Path) -> tuple[View, ...]:
    picture = np.zeros((128, 128, 3), dtype=np.uint8)
    picture[30:33, 40:43] = _COLOURS["left_wrist"]
    picture[90:93, 10:13] = _COLOURS["nose"]
    write_image(tmp_path / "a.png", picture)
    # The camera is of a picture twice as large.
    return tuple(replace(view, image_path=tmp_path / "a.png") for view in ring(2, np.zeros(3)).views)


def test_a_package_may_bring_a_detector(plugged: None, views: tuple[View, ...]) -> None:
    assert {"dots", "broken"} <= set(detector_names())
    found = list(detect(load_detector("dots"), "dots", views))
    assert [(one.view, one.keypoint, one.x, one.y, one.by) for one in found[:2]] == [
        ("000", "left_wrist", 83.0, 63.0, "dots"),
        ("000", "nose", 23.0, 183.0, "dots"),
    ]
    assert len(found) == 4, "no unknown names, nothing unlikely, nothing outside"


def test_a_detector_that_is_not_there_says_what_to_do(plugged: None) -> None:
    with pytest.raises(KeypointsError, match="cannot be loaded"):
        load_detector("broken")
    with pytest.raises(KeypointsError, match="no detector") as caught:
        load_detector("ghost")
    assert "dots" in caught.value.cause
    assert "pip install" in caught.value.next_step


def test_it_stops_when_asked(views: tuple[View, ...]) -> None:
    with pytest.raises(Cancelled):
        list(detect(make_detector(), "dots", views, lambda: True))


def test_blazepose_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blazepose, "find_spec", lambda _name: None)
    assert not blazepose.is_installed()
    with pytest.raises(KeypointsError, match="not installed"):
        load_detector(blazepose.NAME)


@pytest.mark.skipif(not blazepose.is_installed(), reason="BlazePose is an optional extra")
def test_blazepose_finds_a_person_from_the_photos_alone() -> None:
    capture = load_capture("person")
    views = capture.scene.training_views[::3]
    detector = load_detector(blazepose.NAME)
    found = Keypoints(tuple(detect(detector, blazepose.NAME, views)))
    assert {one.keypoint for one in found} == set(KEYPOINTS) - {"neck"}
    body = BodySurface.load()
    fit = fit_body(found, capture.scene, body)
    truth = body.joints(read_pose(capture.source_pose_path))
    assert np.linalg.norm(body.joints(fit.pose) - truth, axis=1).mean() < 0.04
    # Small, in a corner of a large picture.
    picture = read_image(views[0].image_path)
    wide = np.zeros((3 * len(picture), 3 * len(picture), 3), dtype=np.uint8)
    wide[: len(picture), : len(picture)] = picture
    nose = next(one for one in detector(wide) if one[0] == "nose")
    beside = next(one for one in found if one.view == views[0].name and one.keypoint == "nose")
    assert np.hypot(nose[1] - beside.x, nose[2] - beside.y) < 6
    assert not detector(np.zeros((256, 256, 3), dtype=np.uint8))
