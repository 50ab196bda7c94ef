from __future__ import annotations

import numpy as np

from qnerf_core.body.keypoints import KEYPOINTS
from qnerf_core.body.surface import BodySurface
from qnerf_core.evaluation.body_fitting import (
    cases,
    clicked,
    measure_toy,
    seen_by_a_detector,
    table,
    toys,
    true_keypoints,
)


def test_what_is_seen_is_off_as_it_is_said() -> None:
    body = BodySurface.load()
    case = next(iter(cases(["hero"], edits=False)))
    points = true_keypoints(body, case.pose)
    views = case.scene.training_views
    for seen, wrong in (
        (seen_by_a_detector(points, views, np.random.default_rng(0)), 0.2),
        (clicked(points, views[:3], np.random.default_rng(0)), 0.0),
    ):
        off = []
        for one in seen:
            pixel, _ = case.scene.view(one.view).camera.project(points[KEYPOINTS.index(one.keypoint)])
            off.append([one.x - pixel[0], one.y - pixel[1]])
        apart = np.linalg.norm(off, axis=1)
        near = np.array(off)[apart < 8]
        assert abs((apart >= 8).mean() - wrong * 0.9) < 0.06
        assert abs(near.std() - 2.0) < 0.25
    assert {len(seen.of_keypoint(name)) for name in KEYPOINTS} == {4}


def test_toys_need_their_own_proportions() -> None:
    body = BodySurface.load()
    usual, own = measure_toy(next(iter(toys())), body, [1])
    assert own.mean < 2.0 < usual.mean
    text = table([usual, own])
    assert text.splitlines()[2].startswith("| doll | no pictures | 8 views | ")
    assert len(text.splitlines()) == 4
