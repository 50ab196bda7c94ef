from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.editing.proxy_motion import ProxyMotion
from qnerf_core.proxy.model import DepthProxy, PartKind, ProxyPart, mesh_part


def test_what_a_part_holds_goes_with_it() -> None:
    box = ProxyPart("box", "box", np.zeros(3), np.zeros(3), np.array([1.0, 1.0, 2.0]))
    ball = ProxyPart("ball", "ellipsoid", np.array([3.0, 0.0, 0.0]), np.zeros(3), np.ones(3))
    wider = box.scaled(np.array([2.0, 1.0, 1.0]))
    motion = ProxyMotion(DepthProxy((box, ball)), DepthProxy((wider, ball.moved(np.array([0.0, 0.0, 5.0])))))
    points = np.array([[0.3, 0.2, 0.9], [-0.6, 0.0, 0.0], [3.1, 0.2, 0.0]])
    expected = np.array([[0.6, 0.2, 0.9], [-1.2, 0.0, 0.0], [3.1, 0.2, 5.0]])
    np.testing.assert_allclose(motion.carried(points)[0], expected, atol=1e-6)
    assert motion.carried(np.zeros((0, 3)))[0].shape == (0, 3)


def test_what_two_parts_hold_does_not_tear() -> None:
    low = ProxyPart("low", "cylinder", np.array([0.0, 0.0, 0.5]), np.zeros(3), np.ones(3))
    high = ProxyPart("high", "cylinder", np.array([0.0, 0.0, 1.5]), np.zeros(3), np.ones(3))
    motion = ProxyMotion(DepthProxy((low, high)), DepthProxy((low, high.moved(np.array([1.0, 0.0, 0.0])))))
    line = np.zeros((400, 3))
    line[:, 2] = np.linspace(0.6, 1.4, 400)
    shift = motion.carried(line)[0][:, 0]
    assert shift[0] < 0.01
    assert shift[-1] > 0.99
    assert np.abs(np.diff(shift)).max() < 0.06
    assert (np.diff(shift) >= 0).all()


def test_what_stands_off_all_parts_goes_with_the_nearest_however_small_it_is() -> None:
    neck = ProxyPart("neck", "box", np.zeros(3), np.zeros(3), np.array([0.1, 0.1, 0.1]))
    shade = ProxyPart("shade", "cylinder", np.array([0.75, 0.0, 0.0]), np.zeros(3), np.ones(3))
    ball = ProxyPart("ball", "ellipsoid", np.array([-0.75, 0.0, 0.0]), np.zeros(3), np.ones(3))
    source = DepthProxy((neck, shade, ball))
    target = DepthProxy((neck.moved(np.array([0.0, 0.0, 5.0])), shade, ball))
    # 0.05 m off the neck; 0.15 m off either of the others, which are ten times as large.
    beside = np.array([[0.1, 0.0, 0.0], [-0.1, 0.0, 0.0]])
    np.testing.assert_allclose(ProxyMotion(source, target).carried(beside)[0][:, 2], 5.0, atol=0.02)
    # The other way round: 0.18 m off the neck, 0.02 m off the others.
    far = np.array([[0.23, 0.0, 0.0], [-0.23, 0.0, 0.0]])
    np.testing.assert_allclose(ProxyMotion(source, target).carried(far)[0][:, 2], 0.0, atol=0.2)


@pytest.mark.parametrize("kind", ["capsule", "ellipsoid", "cylinder", "box"])
def test_what_stands_beside_a_long_part_goes_with_it_at_its_ends_too(kind: PartKind) -> None:
    arm = ProxyPart("arm", kind, np.zeros(3), np.zeros(3), np.array([0.1, 0.1, 2.0]))
    wall = ProxyPart("wall", "box", np.array([0.68, 0.0, 0.0]), np.zeros(3), np.array([1.0, 1.0, 2.0]))
    motion = ProxyMotion(DepthProxy((arm, wall)), DepthProxy((arm.moved(np.array([0.0, 5.0, 0.0])), wall)))
    # At most 0.04 m off the arm, 0.12 m off the wall.
    beside = np.column_stack([np.full(19, 0.06), np.zeros(19), np.linspace(-0.9, 0.9, 19)])
    np.testing.assert_allclose(motion.carried(beside)[0][:, 1], 5.0, atol=0.1)


def test_what_a_part_that_is_gone_held_is_gone() -> None:
    box = ProxyPart("box", "box", np.zeros(3), np.zeros(3), np.ones(3))
    motion = ProxyMotion(
        DepthProxy((box, box.moved(np.array([5.0, 0.0, 0.0])).replaced(name="other"))), DepthProxy((box,))
    )
    moved = motion.carried(np.array([[0.1, 0.0, 0.0], [5.1, 0.0, 0.0]]))[0]
    np.testing.assert_allclose(moved[0], [0.1, 0.0, 0.0])
    assert np.isnan(moved[1]).all()
    assert np.isnan(ProxyMotion(DepthProxy(), DepthProxy((box,))).carried(np.ones((2, 3)))[0]).all()


def test_a_sculpted_mesh_takes_along_what_is_at_its_vertices() -> None:
    ball = ProxyPart("ball", "ellipsoid", np.zeros(3), np.zeros(3), np.full(3, 2.0))
    before = mesh_part("ball", *ball.mesh)
    pulled = np.array(before.mesh[0])
    pulled[pulled[:, 2] > 0.5, 2] += 0.4
    after = before.replaced(vertices=before.to_unit(pulled))
    motion = ProxyMotion(DepthProxy((before,)), DepthProxy((after,)))
    np.testing.assert_allclose(motion.carried(np.array(before.mesh[0]))[0], pulled, atol=0.02)


def test_only_new_parts_are_there_for_certain() -> None:
    box = ProxyPart("box", "box", np.zeros(3), np.zeros(3), np.ones(3))
    heel = ProxyPart("heel", "box", np.array([0.0, 0.0, -1.0]), np.zeros(3), np.ones(3))
    like = ProxyMotion(DepthProxy((box,)), DepthProxy((box, heel))).likeness()
    assert like.vertices.shape == like.origins.shape
    assert like.vertices[like.new][..., 2].max() <= -0.5
    assert like.vertices[like.possible][..., 2].min() >= -0.5
    assert not len(like.certain)
