from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.body.triangulation import Looks, triangulate
from tests.body.seen_body import ring

POINT = np.array([0.2, -0.1, 1.2])
CAMERAS = [view.camera for view in ring(8, np.array([0.0, 0.0, 1.0])).views]


def _pixels(generator: np.random.Generator, noise: float) -> np.ndarray:
    pixels = np.stack([camera.project(POINT)[0] for camera in CAMERAS])
    return pixels + generator.normal(0, noise, pixels.shape)


def test_exact_looks_meet_in_the_point() -> None:
    found = triangulate(Looks.of(CAMERAS[:2], _pixels(np.random.default_rng(0), 0)[:2]))
    assert found is not None
    np.testing.assert_allclose(found.position, POINT, atol=1e-9)
    np.testing.assert_allclose(found.errors, 0, atol=1e-6)


def test_wrong_looks_are_left_out_and_named() -> None:
    pixels = _pixels(np.random.default_rng(1), 1.0)
    pixels[[1, 5, 6]] += [[60, 0], [0, -45], [30, 30]]
    found = triangulate(Looks.of(CAMERAS, pixels))
    assert found is not None
    assert np.linalg.norm(found.position - POINT) < 0.03
    assert found.agrees.tolist() == [True, False, True, True, True, False, False, True]


def test_the_covariance_is_that_of_many_tries() -> None:
    generator = np.random.default_rng(2)
    tries = [triangulate(Looks.of(CAMERAS, _pixels(generator, 2.0))) for _ in range(120)]
    places = np.stack([found.position for found in tries if found is not None])
    assert len(places) == 120
    told = tries[0].covariance if tries[0] is not None else np.zeros((3, 3))
    measured = np.cov(places.T)
    np.testing.assert_allclose(np.sqrt(np.diag(told)), np.sqrt(np.diag(measured)), rtol=0.3)


@pytest.mark.parametrize("rows", [[0], [0, 0], [], [0, 4]])
def test_looks_that_cannot_meet_give_nothing(rows: list[int]) -> None:
    pixels = _pixels(np.random.default_rng(3), 0.0)[rows]
    if rows == [0, 4]:
        # Cameras that face each other, and rays that pass far apart.
        pixels = pixels + [[0, 0], [0, 80]]
    assert triangulate(Looks.of([CAMERAS[row] for row in rows], pixels)) is None


def test_a_heavier_look_pulls_more() -> None:
    pixels = _pixels(np.random.default_rng(4), 0.0)[:3]
    pixels[2, 1] += 4
    errors = []
    for weight in (0.1, 1.0):
        found = triangulate(Looks.of(CAMERAS[:3], pixels, np.array([1, 1, weight])))
        assert found is not None
        errors.append(found.errors[2])
    assert errors[0] > errors[1]
