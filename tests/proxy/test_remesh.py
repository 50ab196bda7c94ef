from __future__ import annotations

import numpy as np
import pytest
import trimesh

from qnerf_core.errors import ProxyError
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from qnerf_core.proxy.remesh import remesh, remeshed


def test_solids_that_run_through_each_other_become_one_closed_surface() -> None:
    upright, across = np.array([0.4, 0.4, 1.2]), np.array([1.2, 0.4, 0.4])
    parts = [ProxyPart(str(n), "box", np.zeros(3), np.zeros(3), size) for n, size in enumerate((upright, across))]
    mesh = trimesh.Trimesh(*remesh(*DepthProxy(tuple(parts)).mesh(), resolution=40), process=False)
    assert mesh.is_watertight
    assert len(mesh.split(only_watertight=True)) == 1, "nothing is left inside"
    assert mesh.volume == pytest.approx(2 * 0.4 * 0.4 * 1.2 - 0.4**3, rel=0.03)
    cell = 1.2 / 40
    np.testing.assert_allclose(mesh.bounds, [[-0.6, -0.2, -0.6], [0.6, 0.2, 0.6]], atol=0.6 * cell)
    again = trimesh.Trimesh(*remesh(np.asarray(mesh.vertices), np.asarray(mesh.faces), 40), process=False)
    assert again.is_watertight
    assert again.volume == pytest.approx(mesh.volume, rel=0.02)


def test_a_part_keeps_its_place_axes_name_and_group() -> None:
    part = ProxyPart(
        "shaft", "capsule", np.array([1.0, 2.0, 0.5]), np.array([0.3, 0.4, 0.1]), np.array([0.3, 0.2, 0.9]), "boot"
    )
    made = remeshed(part, 48)
    assert (made.name, made.group, made.kind) == ("shaft", "boot", "mesh")
    np.testing.assert_array_equal(made.rotation, part.rotation)
    before, after = (trimesh.Trimesh(*each.mesh, process=False) for each in (part, made))
    assert after.volume == pytest.approx(before.volume, rel=0.04)
    np.testing.assert_allclose(after.centroid, before.centroid, atol=0.01)
    edges = after.edges_unique_length
    assert np.quantile(edges, 0.02) > 0.25 * np.median(edges), "hardly a sliver"


@pytest.mark.parametrize("mesh", [DepthProxy().mesh(), (np.eye(3), np.array([[0, 1, 2]]))])
def test_what_encloses_nothing_cannot_be_remeshed(mesh: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ProxyError, match="nothing to remesh"):
        remesh(*mesh)
