from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import trimesh

from qnerf_core.control.raster import rasterise_depth
from qnerf_core.errors import Cancelled, ProxyError
from qnerf_core.proxy.fitting import fit_boxes, fit_mesh, fit_proxy
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from qnerf_core.proxy.solid_field import density_field, looked_at, visual_hull
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import load_mask
from tests.synthetic_capture import BOUNDS, ring_of_cameras, write_capture

YAW = np.array([0.0, 0.0, 0.5])


def box(name: str, centre: list[float], size: list[float]) -> ProxyPart:
    return ProxyPart(name, "box", np.array(centre), np.zeros(3), np.array(size))


def density_of(proxy: DepthProxy, points: np.ndarray) -> np.ndarray:
    inside = [(np.abs(part.to_unit(points)) < 0.5).all(axis=1) for part in proxy.parts]
    return np.where(np.logical_or.reduce(inside), 500.0, 0.0)


def seen(proxy: DepthProxy, count: int = 10) -> tuple[list, list, list]:  # type: ignore[type-arg]
    cameras = ring_of_cameras(count, 96)
    depths = [rasterise_depth(*proxy.mesh(), camera) for camera in cameras]
    return cameras, [depth > 0 for depth in depths], depths


def test_a_sofa_becomes_its_seat_its_back_and_its_arms() -> None:
    sofa = DepthProxy(
        (
            box("seat", [0, 0, 0.2], [1.6, 0.8, 0.4]),
            box("back", [0, 0.35, 0.6], [1.6, 0.2, 0.5]),
            box("left", [-0.9, 0, 0.3], [0.2, 0.9, 0.6]),
            box("right", [0.9, 0, 0.3], [0.2, 0.9, 0.6]),
        )
    ).rotated(None, YAW, np.zeros(3))
    field = density_field(lambda points: density_of(sofa, points), np.array([[-1.5, -1.5, -0.1], [1.5, 1.5, 1.2]]))
    found = fit_boxes(field)
    assert 3 <= len(found.parts) <= 6
    assert all(part.kind == "box" for part in found.parts)
    probe = np.random.default_rng(0).uniform([-1.4, -1.4, 0.0], [1.4, 1.4, 1.0], (20000, 3))
    truth, covered = (density_of(each, probe) > 0 for each in (sofa, found))
    assert (truth & covered).sum() / (truth | covered).sum() > 0.85
    assert (truth & covered).sum() / truth.sum() > 0.95, "loose boxes hold the subject"
    assert abs(abs(found.parts[0].rotation[2]) % (np.pi / 2) - 0.5) < 0.06, "they are turned as it is"
    volumes = [part.size.prod() for part in found.parts]
    assert volumes == sorted(volumes, reverse=True)
    assert len(fit_boxes(field, most=1).parts) == 1


def test_the_hull_of_a_turned_box_is_the_box() -> None:
    proxy = DepthProxy((box("it", [0.1, -0.1, 0.35], [0.5, 0.9, 0.7]),)).rotated(None, YAW)
    cameras, masks, _ = seen(proxy)
    field = visual_hull(cameras, masks, BOUNDS, resolution=48)
    assert field.inside.sum() * field.cell**3 == pytest.approx(0.5 * 0.9 * 0.7, rel=0.25)
    mesh = trimesh.Trimesh(*fit_mesh(field, "it").mesh, process=False)
    assert mesh.is_watertight
    np.testing.assert_allclose(mesh.bounds, proxy.box(), atol=0.07)


def test_depth_hollows_what_no_silhouette_shows() -> None:
    walls = [box(str(n), centre, size) for n, (centre, size) in enumerate(
        [([0.5, 0, 0.3], [0.1, 1.1, 0.6]), ([-0.5, 0, 0.3], [0.1, 1.1, 0.6]), ([0, 0.5, 0.3], [1.1, 0.1, 0.6]),
         ([0, -0.5, 0.3], [1.1, 0.1, 0.6]), ([0, 0, 0.05], [1.1, 1.1, 0.1])]
    )]  # fmt: skip
    cameras, masks, depths = seen(DepthProxy(tuple(walls)), 12)
    filled, hollow = (visual_hull(cameras, masks, BOUNDS, given, resolution=48) for given in (None, depths))

    def at(field: object, point: list[float]) -> bool:
        index = np.rint((np.array(point) - field.lower) / field.cell).astype(int)  # type: ignore[attr-defined]
        return bool(field.values[tuple(index)] > 0)  # type: ignore[attr-defined]

    assert at(filled, [0, 0, 0.45])
    assert not at(hollow, [0, 0, 0.45])
    assert at(hollow, [0.5, 0, 0.4])


def test_some_masks_may_be_wrong_if_one_says_so() -> None:
    cameras, masks, _ = seen(DepthProxy((box("it", [0, 0, 0.6], [0.5, 0.5, 0.7]),)))
    masks[3] = np.zeros_like(masks[3])
    with pytest.raises(ProxyError, match="cannot be located"):
        visual_hull(cameras, masks, BOUNDS)
    field = visual_hull(cameras, masks, BOUNDS, resolution=32, misses=1)
    assert field.inside.sum() * field.cell**3 == pytest.approx(0.5 * 0.5 * 0.7, rel=0.3)


def test_a_capture_gets_its_first_proxy_by_itself(tmp_path: Path) -> None:
    scene = load_capture(write_capture(tmp_path, views=10, size=64, heldout=2)).scene
    for given, kind in ((scene, "boxes"), (scene, "mesh"), (replace(scene, bounds=None), "mesh")):
        proxy = fit_proxy(given, kind, resolution=40)  # type: ignore[arg-type]
        overlaps = []
        for view in scene.heldout_views:
            covered, mask = rasterise_depth(*proxy.mesh(), view.camera) > 0, load_mask(view)
            overlaps.append((covered & mask).sum() / (covered | mask).sum())
        assert min(overlaps) > (0.85 if kind == "mesh" else 0.7)
    bare = replace(scene, views=tuple(replace(view, mask_path=None) for view in scene.views))
    with pytest.raises(ProxyError, match="under two of its views have masks"):
        fit_proxy(bare)


@pytest.mark.parametrize("kind", ["boxes", "mesh"])
def test_it_tells_how_far_it_is_and_stops_at_any_step(tmp_path: Path, kind: Literal["boxes", "mesh"]) -> None:
    scene = load_capture(write_capture(tmp_path, views=8, size=64)).scene
    shares: list[float] = []
    asked: list[int] = []
    whole = fit_proxy(scene, kind, resolution=32, progress=shares.append, cancelled=lambda: bool(asked.append(1)))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    # Reading, edges and three hulls go view by view.
    assert len(shares) > 5 * len(scene.training_views)
    assert max(np.diff(shares)) < 0.5
    assert len(asked) == len(shares)
    assert whole.names == fit_proxy(scene, kind, resolution=32).names
    for last in (0, len(asked) // 3, len(asked) - 1):
        told: list[float] = []
        steps = iter(range(len(asked)))
        with pytest.raises(Cancelled):
            fit_proxy(scene, kind, resolution=32, progress=told.append, cancelled=lambda: next(steps) == last)  # noqa: B023
        assert told == shares[:last], "it stops at the very step"


def test_a_field_that_is_nowhere_dense_is_said_so_and_cameras_tell_where_they_look() -> None:
    with pytest.raises(ProxyError, match="nowhere dense"):
        density_field(lambda points: np.zeros(len(points)), BOUNDS, resolution=8)
    low, high = looked_at(ring_of_cameras(6))
    np.testing.assert_allclose(0.5 * (low + high), [0, 0, 0.6], atol=1e-6)
    assert ((high - low) > 3).all()
