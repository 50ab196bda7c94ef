from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core.authoring import capture, dataset
from qnerf_core.authoring.dataset import chosen_families, make_dataset, read_shard
from qnerf_core.authoring.light import Light, lit_colours, shadowed_floor, visibility
from qnerf_core.authoring.mesh import joined, smoothed, split_long_edges, vertex_normals
from qnerf_core.authoring.room import random_room
from qnerf_core.authoring.showpieces import SHOWPIECES, random_showpiece
from qnerf_core.authoring.skinned import FineBody
from qnerf_core.authoring.solids import lathe, rounded_box, tube
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.control.loose_depth import room_depth
from qnerf_core.errors import AssetError
from qnerf_core.proxy.files import read_proxy
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import load_depth, load_image, load_mask


def test_halving_long_edges_keeps_the_surface_closed() -> None:
    vertices = np.array([[0.0, 0, 0], [0.3, 0, 0], [0, 0.3, 0], [0, 0, 0.1]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    matrix, finer = split_long_edges(vertices, faces, 0.05)
    points = matrix @ vertices
    np.testing.assert_allclose(points[:4], vertices)
    edges = np.concatenate([finer[:, [0, 1]], finer[:, [1, 2]], finer[:, [2, 0]]])
    assert np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1).max() <= 0.05
    # Closed and consistently oriented: every edge is run through once in each direction.
    forward, backward = ({tuple(edge) for edge in part.tolist()} for part in (edges, edges[:, ::-1]))
    assert forward == backward
    assert len(forward) == len(edges)
    corners = points[finer]
    volume = np.einsum("fa,fa->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume == pytest.approx(0.3 * 0.3 * 0.1 / 6)


def test_solids_have_their_sizes() -> None:
    box = rounded_box((0.5, 0.4, 0.3), 0.05)
    np.testing.assert_allclose(np.ptp(box.vertices, axis=0), [0.5, 0.4, 0.3], atol=1e-6)
    normals = vertex_normals(box.vertices, box.faces)
    assert (normals * box.vertices).sum(1).min() > 0
    turned = lathe(np.array([[0.0, 0.0], [0.2, 0.0], [0.1, 0.5], [0.0, 0.5]]))
    np.testing.assert_allclose(np.ptp(turned.vertices, axis=0), [0.4, 0.4, 0.5], atol=0.01)
    pipe = tube(np.array([[0.0, 0, 0], [0, 0, 1.0]]), 0.05)
    np.testing.assert_allclose(np.ptp(pipe.vertices, axis=0), [0.1, 0.1, 1.0], atol=0.01)
    assert (vertex_normals(pipe.vertices, pipe.faces)[20:-20] * pipe.vertices[20:-20] * [1, 1, 0]).sum(1).min() > 0


def test_light_comes_from_where_nothing_stands_before_it() -> None:
    low = rounded_box((0.6, 0.6, 0.1), 0.02).moved((0, 0, 0.05))
    roof = rounded_box((0.6, 0.6, 0.1), 0.02).moved((0, 0, 0.5))
    points = np.concatenate([low.vertices, roof.vertices])
    normals = np.concatenate([vertex_normals(part.vertices, part.faces) for part in (low, roof)])
    free = visibility(points, normals, np.array([[0.0, 0.0, 1.0]]))[:, 0]
    tops = normals[:, 2] > 0.99
    under = tops & (points[:, 2] < 0.2) & (np.abs(points[:, :2]).max(1) < 0.25)
    assert not free[under].any()
    assert free[tops & (points[:, 2] > 0.5)].all()


def test_hollows_are_darker_than_open_places() -> None:
    room = random_room(np.random.default_rng(5))
    grey = (0.6, 0.6, 0.6)
    floor = rounded_box((1.0, 1.0, 0.1), 0.02).moved((0, 0, 0.05)).painted(grey)
    walls = [rounded_box((0.1, 1.0, 0.6), 0.02).moved((x, 0, 0.35)).painted(grey) for x in (-0.15, 0.15)]
    whole = joined([floor, *walls])
    colours = lit_colours(whole, Light.of(room)).mean(1)
    x, y, z = floor.vertices.T
    tops = (z > 0.099) & (np.abs(y) < 0.3)
    assert (
        colours[: len(x)][tops & (np.abs(x) < 0.05)].mean() < 0.8 * colours[: len(x)][tops & (np.abs(x) > 0.4)].mean()
    )


def test_shadows_are_soft_and_in_the_colours_range() -> None:
    room = random_room(np.random.default_rng(6))
    shadow = shadowed_floor(room, rounded_box((0.5, 0.5, 1.0), 0.02).moved((0, 0, 0.5)).vertices)
    share = (shadow / np.maximum(room.floor, 1e-3)).mean(-1)
    assert share.min() < 0.6
    assert ((share > 0.7) & (share < 0.97)).mean() / (share < 0.97).mean() > 0.05
    assert smoothed(np.ones((3, 1)), np.array([[0, 1, 2]]), 2) == pytest.approx(1)


def test_a_mixed_shard_has_pairs_with_their_controls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "SHARD_SIZE", 8)
    (path,) = make_dataset(tmp_path, range(1), 3, chosen_families("alligator,lamp"))
    samples = read_shard(path)
    assert [sample.kind for sample in samples] == ["skeleton"] * 4 + ["depth"] * 4
    for first, second in zip(samples[::2], samples[1::2], strict=True):
        np.testing.assert_array_equal(first.camera.camera_to_world, second.camera.camera_to_world)
        assert first.caption == second.caption
        assert np.abs(first.image.astype(int) - second.image).max() > 30
    for sample in samples[4:]:
        assert sample.depth_control is not None
        assert sample.depth_control.shape == sample.image.shape[:2]
        assert not sample.keypoints.any()
    assert np.abs(samples[0].keypoints).max() > 0.5
    assert samples[0].depth_control is None
    assert "lamp" in samples[5].caption


def test_families_are_chosen_by_name() -> None:
    assert chosen_families("mixed") == list(SHOWPIECES)
    assert chosen_families("sofa,boot") == ["sofa", "boot"]
    with pytest.raises(ValueError, match="chair"):
        chosen_families("sofa,chair")


def test_a_capture_by_proxies_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "VIEW_COUNT", 4)
    capture.make_capture("lamp", tmp_path / "lamp")
    read = load_capture(tmp_path / "lamp")
    assert read.control == "depth"
    assert read.scene.prompt == "a photo of a lamp of brass with a yellow shade"
    assert set(read.edits) == {"taller", "bent", "wide-shade"}
    assert [view.heldout for view in read.scene.views] == [False, False, False, True]
    view = read.scene.views[1]
    assert view.boundary_path is not None
    empty = room_depth(view.camera, read.scene.bounds) if read.scene.bounds is not None else np.zeros(0)
    subject = load_mask(view)
    assert 0.005 < subject.mean() < 0.3
    away = ~subject
    away[:, 1:] &= ~subject[:, :-1]
    away[:, :-1] &= ~subject[:, 1:]
    assert np.quantile(np.abs(load_depth(view) - empty)[away], 0.95) < 0.05
    source = read_proxy(read.source_proxy_path)
    for edit in read.edits.values():
        assert read_proxy(edit.proxy_path).names == source.names
        truth = edit.truth.views
        assert truth[1].depth_path is not None
        assert truth[3].depth_path is None
        assert np.abs(load_image(truth[1]) - load_image(view)).max() > 0.2
    taller = read.edits["taller"].truth.views[1]
    assert np.nonzero(load_mask(taller).any(1))[0].min() < np.nonzero(subject.any(1))[0].min() - 10


def test_unknown_captures_are_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="chair"):
        capture.make_capture("chair", tmp_path)


def test_a_trial_is_a_capture_of_a_random_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "VIEW_COUNT", 4)
    capture.make_trial("boot", 3, tmp_path / "boot-3")
    read = load_capture(tmp_path / "boot-3")
    assert (read.control, set(read.edits)) == ("depth", {"trial"})
    assert read.scene.prompt.startswith("a photo of a boot")
    before, after = load_image(read.scene.views[0]), load_image(read.edits["trial"].truth.views[0])
    assert 0.001 < (np.abs(before - after).max(-1) > 0.1).mean() < 0.5


def test_trials_follow_from_their_seed() -> None:
    body = FineBody(BodyModel.load())
    first, again, other = (random_showpiece("statue", seed, body) for seed in (1, 1, 2))
    assert isinstance(first.source.control, BodyPose)
    assert np.array_equal(first.source.staged.mesh.vertices, again.source.staged.mesh.vertices)
    assert np.array_equal(first.edits["trial"].staged.mesh.vertices, again.edits["trial"].staged.mesh.vertices)
    assert first.source.staged.mesh.albedo.shape == first.edits["trial"].staged.mesh.albedo.shape
    assert not np.array_equal(first.source.staged.mesh.vertices, first.edits["trial"].staged.mesh.vertices)
    assert first.room_seed != other.room_seed
