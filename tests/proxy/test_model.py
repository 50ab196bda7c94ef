from __future__ import annotations

import numpy as np
import pytest
import trimesh

from qnerf_core.proxy.model import DepthProxy, PartKind, ProxyPart, mesh_part


def part(name: str = "it", kind: PartKind = "box", **changes: object) -> ProxyPart:
    given = {"centre": [0.5, -1.0, 0.8], "rotation": [0.3, -0.2, 0.9], "size": [0.6, 0.4, 1.2]} | changes
    return ProxyPart(name, kind, **given)  # type: ignore[arg-type]


def solid(proxy: DepthProxy) -> trimesh.Trimesh:
    return trimesh.Trimesh(*proxy.mesh(), process=False)


@pytest.mark.parametrize(
    ("kind", "volume"),
    [
        ("box", 0.6 * 0.4 * 1.2),
        ("ellipsoid", np.pi / 6 * 0.6 * 0.4 * 1.2),
        ("cylinder", np.pi / 4 * 0.6 * 0.4 * 1.2),
        # Caps of 0.25 height each, which together are an ellipsoid.
        ("capsule", np.pi / 4 * 0.6 * 0.4 * 0.7 + np.pi / 6 * 0.6 * 0.4 * 0.5),
        ("blob", np.pi / 6 * 0.6 * 0.4 * 1.2),
    ],
)
def test_solids_are_closed_turned_outward_and_of_their_size(kind: PartKind, volume: float) -> None:
    mesh = solid(DepthProxy((part(kind=kind),)))
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(volume, rel=0.015)
    own = part(kind=kind).to_unit(np.asarray(mesh.vertices))
    np.testing.assert_allclose([own.min(axis=0), own.max(axis=0)], [[-0.5] * 3, [0.5] * 3], atol=0.01)


def test_moving_turning_and_scaling_together_is_one_similarity_of_all_points() -> None:
    proxy = DepthProxy((part("a"), part("b", "capsule", centre=[0.0, 0.0, 1.0]), part("c", "ellipsoid")))
    before = proxy.mesh()[0]
    turn, pivot = np.array([0.2, 0.5, -0.7]), np.array([1.0, 0.0, 0.5])
    after = proxy.moved(None, np.array([1.0, 2.0, 3.0])).rotated(None, turn, pivot).scaled(None, np.full(3, 1.5), pivot)
    from scipy.spatial.transform import Rotation

    expected = 1.5 * Rotation.from_rotvec(turn).apply(before + [1.0, 2.0, 3.0] - pivot) + pivot
    np.testing.assert_allclose(after.mesh()[0], expected, atol=1e-9)
    np.testing.assert_array_equal(proxy.mesh()[0], before, err_msg="the old one is as it was")


def test_one_part_is_scaled_along_its_own_axes_and_several_along_the_worlds() -> None:
    aligned = part("a", rotation=[0, 0, np.pi / 2], size=[1.0, 2.0, 3.0], centre=[1.0, 0.0, 0.0])
    proxy = DepthProxy((aligned, part("b")))
    alone = proxy.scaled(["a"], np.array([2.0, 1.0, 1.0])).part("a")
    np.testing.assert_allclose(alone.size, [2.0, 2.0, 3.0])
    np.testing.assert_allclose(alone.centre, aligned.centre)
    both = proxy.scaled(["a", "b"], np.array([2.0, 1.0, 1.0]), pivot=np.zeros(3)).part("a")
    np.testing.assert_allclose(both.size, [1.0, 4.0, 3.0], err_msg="the world's x is its y")
    np.testing.assert_allclose(both.centre, [2.0, 0.0, 0.0])


def test_groups_names_and_boxes() -> None:
    proxy = DepthProxy((part("leg"), part("seat", centre=[0, 0, 0], rotation=[0, 0, 0], size=[1, 1, 1])))
    proxy = proxy.with_part(part(proxy.free_name("leg"))).grouped(["leg", "leg 2"], "legs")
    assert proxy.names == ("leg", "seat", "leg 2")
    assert proxy.groups == ("legs",)
    assert proxy.members("legs") == ("leg", "leg 2")
    np.testing.assert_allclose(proxy.box(["seat"]), [[-0.5] * 3, [0.5] * 3])
    replaced = proxy.with_part(part("seat", "cylinder"))
    assert replaced.names == proxy.names
    assert replaced.part("seat").kind == "cylinder"
    assert proxy.without(["leg", "leg 2"]).names == ("seat",)
    assert DepthProxy().mesh()[0].shape == (0, 3)
    with pytest.raises(ValueError, match="same name"):
        DepthProxy((part(), part()))


def test_blobs_flow_together_only_where_they_are_near_each_other() -> None:
    def pair(distance: float, blend: float) -> trimesh.Trimesh:
        parts = [part(str(x), "blob", centre=[x, 0, 0], rotation=[0, 0, 0], size=[1, 1, 1]) for x in (0.0, distance)]
        return solid(DepthProxy(tuple(parts), blend))

    ball = np.pi / 6
    apart, near = pair(2.0, 0.2), pair(1.05, 0.2)
    assert apart.volume == pytest.approx(2 * ball, rel=0.02)
    assert len(apart.split(only_watertight=True)) == 2
    assert near.is_watertight
    assert len(near.split(only_watertight=True)) == 1
    assert near.volume > 2 * ball
    assert len(pair(1.05, 0.0).split(only_watertight=True)) == 2


def test_a_mesh_keeps_its_place() -> None:
    ball = trimesh.creation.icosphere(2, 0.3).apply_translation([1.0, 2.0, 0.5])
    made = mesh_part("ball", np.asarray(ball.vertices), np.asarray(ball.faces))
    np.testing.assert_allclose(made.mesh[0], ball.vertices, atol=1e-12)
    np.testing.assert_allclose(made.centre, [1.0, 2.0, 0.5])
    wider = made.scaled(np.array([2.0, 1.0, 1.0]))
    np.testing.assert_allclose(np.ptp(wider.mesh[0], axis=0), [1.2, 0.6, 0.6], atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "torus"},
        {"centre": [0, 0]},
        {"size": [1, 1, np.nan]},
        {"kind": "mesh"},
        {"kind": "mesh", "vertices": np.zeros((3, 3)), "faces": [[0, 1, 3]]},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"it|torus"):
        part(**wrong)  # type: ignore[arg-type]
