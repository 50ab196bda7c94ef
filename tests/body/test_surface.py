from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from qnerf_core import assets
from qnerf_core.body.limits import LOWER, UPPER, from_swing_twist
from qnerf_core.body.model import BodyModel
from qnerf_core.body.model_file import SmplData, read_body_file
from qnerf_core.body.pose import BodyPose
from qnerf_core.body.surface import BodySurface


@pytest.fixture(scope="module")
def data() -> SmplData:
    return read_body_file(assets.body_file())


def _with_correctives(data: SmplData) -> SmplData:
    # The built-in body has none; those of SMPL move vertices by centimetres.
    generator = np.random.default_rng(3)
    return replace(data, pose_directions=generator.normal(0, 2e-3, data.pose_directions.shape))


def _random_pose(generator: np.random.Generator) -> BodyPose:
    coordinates = generator.uniform(LOWER, UPPER)
    return BodyPose(
        generator.normal(size=3), from_swing_twist(coordinates), generator.normal(size=10), generator.normal(size=3)
    )


@pytest.mark.parametrize("correctives", [False, True])
def test_the_surface_is_that_of_smplx(data: SmplData, correctives: bool) -> None:
    data = _with_correctives(data) if correctives else data
    surface, model = BodySurface(data, "numpy"), BodyModel(data, "smplx")
    generator = np.random.default_rng(11)
    poses = [BodyPose.rest(), *(_random_pose(generator) for _ in range(4))]
    toys = [pose.replaced(proportions=generator.uniform(0.4, 2, 12)) for pose in poses[1:3]]
    for pose in poses + toys:
        expected = model(pose)
        np.testing.assert_allclose(surface.vertices(pose), expected.vertices, atol=1e-5)
        np.testing.assert_allclose(surface.joints(pose), expected.joints, atol=1e-5)
        np.testing.assert_allclose(surface.keypoints(pose), expected.keypoints, atol=1e-5)


def test_an_earlier_shape_or_pose_leaves_no_trace(data: SmplData) -> None:
    surface = BodySurface(data, "numpy")
    generator = np.random.default_rng(4)
    first, second = _random_pose(generator), _random_pose(generator)
    expected = surface.vertices(first)
    surface.vertices(second)
    np.testing.assert_array_equal(surface.vertices(first), expected)


def test_it_stands_on_the_floor(data: SmplData) -> None:
    surface = BodySurface(data, "numpy")
    pose = surface.on_floor(_random_pose(np.random.default_rng(9)), 0.25)
    assert surface.vertices(pose)[:, 2].min() == pytest.approx(0.25, abs=1e-6)


def test_posing_takes_milliseconds(data: SmplData) -> None:
    surface = BodySurface(data, "numpy")
    generator = np.random.default_rng(2)
    poses = [_random_pose(generator).replaced(betas=np.zeros(10)) for _ in range(6)]
    seconds = []
    for pose in poses:
        start = time.perf_counter()
        surface.vertices(pose)
        seconds.append(time.perf_counter() - start)
    # About 3 ms on an idle core; the margin is for a machine that is busy with something else.
    assert min(seconds) < 0.02
