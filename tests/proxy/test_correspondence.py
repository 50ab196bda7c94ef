from __future__ import annotations

import numpy as np

from qnerf_core.proxy.correspondence import ProxyMotion, places_before
from qnerf_core.proxy.model import DepthProxy, PartKind, ProxyPart, mesh_part


def part(name: str, kind: PartKind, centre: tuple[float, float, float], size: float = 1.0) -> ProxyPart:
    return ProxyPart(name, kind, np.array(centre), np.zeros(3), np.full(3, size))


def test_parts_are_followed_by_name_whatever_their_order_and_shape() -> None:
    source = DepthProxy((part("seat", "box", (0, 0, 0)), part("pole", "cylinder", (2, 0, 0))))
    turned = source.part("pole").rotated(np.array([0.0, 1.2, 0.0])).scaled(np.array([1.0, 1.0, 3.0]))
    target = DepthProxy((turned.moved(np.array([0.0, 0.0, 1.0])), part("seat", "box", (0, 0, 4), 2.0)))
    expected = np.concatenate([source.part("pole").mesh[0], source.part("seat").mesh[0]])
    np.testing.assert_allclose(places_before(source, target), expected, atol=1e-9)
    np.testing.assert_allclose(places_before(source, source), source.mesh()[0], atol=1e-9)


def test_a_sculpted_mesh_is_followed_vertex_by_vertex() -> None:
    vertices, faces = part("stone", "ellipsoid", (0, 0, 1)).mesh
    source = DepthProxy((mesh_part("stone", vertices, faces),))
    pulled = vertices.copy()
    pulled[:20] += [0.4, 0.0, 0.0]
    target = DepthProxy((mesh_part("stone", pulled, faces),))
    np.testing.assert_allclose(places_before(source, target), vertices, atol=1e-9)


def test_a_new_part_has_the_places_nearest_to_it() -> None:
    source = DepthProxy((part("seat", "box", (0, 0, 0)),))
    target = source.with_part(part("arm", "box", (1, 0, 0), 0.2))
    places = places_before(source, target)
    np.testing.assert_allclose(places[:8], source.mesh()[0])
    assert np.allclose(places[8:, 0], 0.5), "of the side where it was put"
    assert places_before(DepthProxy(), target).shape == (16, 3)


def test_blobs_that_flow_together_keep_apart() -> None:
    left, right = part("left", "blob", (-0.4, 0, 0)), part("right", "blob", (0.4, 0, 0))
    source = DepthProxy((left, right))
    target = DepthProxy((left, right.moved(np.array([0.0, 0.0, 0.3]))))
    vertices, places = target.mesh()[0], places_before(source, target)
    far = np.abs(vertices[:, 0]) > 0.3
    shift = vertices[far] - places[far]
    np.testing.assert_allclose(
        shift[vertices[far, 0] > 0], [[0.0, 0.0, 0.3]] * int((vertices[far, 0] > 0).sum()), atol=1e-9
    )
    np.testing.assert_allclose(shift[vertices[far, 0] < 0], 0.0, atol=1e-9)


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
    line = np.zeros((200, 3))
    line[:, 2] = np.linspace(0.6, 1.4, 200)
    shift = motion.carried(line)[0][:, 0]
    assert shift[0] < 0.01
    assert shift[-1] > 0.99
    assert np.abs(np.diff(shift)).max() < 0.06
    assert (np.diff(shift) >= 0).all()


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
    vertices, origins, certain, others = ProxyMotion(DepthProxy((box,)), DepthProxy((box, heel))).likeness()
    assert vertices.shape == origins.shape
    assert vertices[certain][..., 2].max() <= -0.5
    assert vertices[others][..., 2].min() >= -0.5
    assert origins[certain.ravel()][:, 2].max() <= -0.5 + 1e-9, "the heel looks like the sole"
