from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qnerf_core.body.keypoints import Keypoints, Sighting, read_keypoints, write_keypoints
from qnerf_core.errors import CaptureError, KeypointsError
from qnerf_core.scene.scene import Scene
from tests.body.seen_body import ring

KEYPOINTS = Keypoints((Sighting("000", "nose", 10.25, 20.5), Sighting("002", "left_foot", 1 / 3, 200.0, 0.4, "net")))


@pytest.fixture
def scene() -> Scene:
    return ring(3, np.zeros(3))


def test_round_trip_is_exact(tmp_path: Path, scene: Scene) -> None:
    write_keypoints(tmp_path / "k.json", KEYPOINTS, scene)
    assert read_keypoints(tmp_path / "k.json", scene) == KEYPOINTS
    assert "upper left" in json.loads((tmp_path / "k.json").read_text())["convention"]


def test_keypoints_of_larger_pictures_are_scaled(tmp_path: Path, scene: Scene) -> None:
    large = replace(scene, views=tuple(replace(view, camera=view.camera.scaled(512, 1024)) for view in scene.views))
    write_keypoints(tmp_path / "k.json", KEYPOINTS, large)
    nose = read_keypoints(tmp_path / "k.json", scene).of_view("000")[0]
    assert (nose.x, nose.y) == (10.25 / 2, 20.5 / 4)


def test_keypoints_of_another_capture_are_not_written(tmp_path: Path, scene: Scene) -> None:
    with pytest.raises(CaptureError, match="ghost"):
        write_keypoints(tmp_path / "k.json", Keypoints((Sighting("ghost", "nose", 1, 1),)), scene)
    assert not (tmp_path / "k.json").exists()


def _at(content: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("format",), "x", "format"),
        (("version",), 2, "version"),
        (("version",), True, "version"),
        (("views",), [], "views"),
        (("views", "ghost"), {"size": [1, 1], "points": []}, "ghost"),
        (("views", "000", "size"), [0, 256], "size"),
        (("views", "000", "points"), None, "points"),
        (("views", "000", "points", 0, "keypoint"), "tail", "tail"),
        (("views", "000", "points", 0, "pixel"), [1, "2"], "pixel"),
        (("views", "000", "points", 0, "pixel"), [1, float("nan")], "pixel"),
        (("views", "000", "points", 0, "confidence"), 1.5, "confidence"),
        (("views", "000", "points", 0, "by"), 3, "by"),
        (("views", "000", "points", 0), "nose", "nose"),
    ],
)
def test_bad_content_is_named(tmp_path: Path, scene: Scene, path: tuple[Any, ...], value: Any, said: str) -> None:
    file = tmp_path / "k.json"
    write_keypoints(file, KEYPOINTS, scene)
    content = json.loads(file.read_text())
    _at(content, path, value)
    file.write_text(json.dumps(content))
    with pytest.raises(KeypointsError) as caught:
        read_keypoints(file, scene)
    assert said in caught.value.cause
    assert str(file) in caught.value.title
    assert caught.value.next_step


def test_a_missing_or_damaged_file_is_told(tmp_path: Path, scene: Scene) -> None:
    (tmp_path / "half.json").write_text('{"format": ')
    for path in (tmp_path / "none.json", tmp_path / "half.json"):
        with pytest.raises(KeypointsError, match="Cannot read"):
            read_keypoints(path, scene)


def test_a_click_replaces_and_a_detector_respects_it() -> None:
    clicked = KEYPOINTS.with_sighting(Sighting("000", "nose", 5, 5))
    assert [(one.x, one.y) for one in clicked.of_keypoint("nose")] == [(5, 5)]
    found = clicked.found_again([Sighting("000", "nose", 9, 9, 1, "net"), Sighting("001", "nose", 8, 8, 1, "net")])
    assert [(one.view, one.x) for one in found] == [("000", 5), ("001", 8)]
    assert len(found.without("000", "nose")) == 1
