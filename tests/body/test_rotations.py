from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from qnerf_core.body.rotations import exponential, left_jacobian, swing_twist_to_vectors, vectors_to_swing_twist

AXES = np.array([0, 1, 2])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=9, max_size=9))
def test_split_keeps_the_rotation(values: list[float]) -> None:
    vectors = np.array(values).reshape(3, 3)
    coordinates = vectors_to_swing_twist(vectors, AXES)
    swing, twist = coordinates.copy(), np.zeros((3, 3))
    swing[AXES, AXES], twist[AXES, AXES] = 0.0, coordinates[AXES, AXES]
    joined = Rotation.from_rotvec(swing) * Rotation.from_rotvec(twist)
    expected = Rotation.from_rotvec(vectors).as_matrix()
    assert np.abs(joined.as_matrix() - expected).max() < 1e-7
    back = Rotation.from_rotvec(swing_twist_to_vectors(coordinates, AXES)).as_matrix()
    assert np.abs(back - expected).max() < 1e-7
    assert np.abs(twist).max() <= np.pi + 1e-12
    assert np.linalg.norm(swing, axis=1).max() <= np.pi + 1e-12


def test_half_a_turn_of_swing_is_finite() -> None:
    vectors = np.array([[0, np.pi, 0], [np.pi, 0, 0], [0, np.pi, 0]])
    coordinates = vectors_to_swing_twist(vectors, AXES)
    assert np.isfinite(coordinates).all()
    back = Rotation.from_rotvec(swing_twist_to_vectors(coordinates, AXES)).as_matrix()
    assert np.abs(back - Rotation.from_rotvec(vectors).as_matrix()).max() < 1e-9


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e-6, 1e-3, 1.0, 3.0])
def test_exponential_and_its_jacobian(scale: float) -> None:
    vectors = scale * np.array([[0.3, -0.5, 0.8], [-0.9, 0.1, 0.2]])
    matrices, terms = exponential(vectors)
    assert np.abs(matrices - Rotation.from_rotvec(vectors).as_matrix()).max() < 1e-12
    jacobian = left_jacobian(terms, 2)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        turned = exponential(vectors + step)[0] @ exponential(vectors - step)[0].transpose(0, 2, 1)
        measured = Rotation.from_matrix(turned).as_rotvec() / 2e-6
        assert np.abs(measured - jacobian[:, :, axis]).max() < 1e-6
