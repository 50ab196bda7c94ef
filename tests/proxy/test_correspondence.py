from __future__ import annotations

import numpy as np

from qnerf_core.proxy.correspondence import places_before
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


def test_a_new_part_that_grows_out_of_what_moves_has_its_places() -> None:
    sole, shaft = part("sole", "box", (0, 0, 0)), part("shaft", "box", (0, 0, 1))
    raised = [piece.moved(np.array([0.0, 0.0, 1.0])) for piece in (sole, shaft)]
    source = DepthProxy((sole, shaft))
    target = DepthProxy((*raised, part("heel", "box", (0, 0, 0))))
    np.testing.assert_allclose(places_before(source, target)[16:, 2], -0.5, err_msg="of the sole, not where it was")
