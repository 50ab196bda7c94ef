from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from qnerf_core.errors import ExportError
from qnerf_core.export.mesh import extract_mesh, write_glb

CENTRE, RADIUS = np.array([0.3, -0.2, 1.0]), 0.4
BOX = np.stack([CENTRE - 0.6, CENTRE + 0.6])


def ball(points: np.ndarray) -> np.ndarray:
    return np.where(np.linalg.norm(points - CENTRE, axis=1) < RADIUS, 200.0, 0.0)


def red_above(points: np.ndarray) -> np.ndarray:
    return np.where((points[:, 2] > CENTRE[2])[:, None], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])


def test_a_ball_becomes_a_closed_ball_of_its_size_and_colours() -> None:
    mesh = extract_mesh(ball, red_above, BOX, resolution=48)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.1)  # positive: faces point outward
    assert np.allclose(mesh.center_mass, CENTRE, atol=0.02)
    colours = mesh.visual.vertex_colors
    assert (colours[mesh.vertices[:, 2] > CENTRE[2] + 0.1, 0] == 255).all()
    assert (colours[mesh.vertices[:, 2] < CENTRE[2] - 0.1, 2] == 255).all()


def test_matter_that_leaves_the_box_is_closed_flat() -> None:
    half = np.stack([CENTRE - 0.6, CENTRE + [0.6, 0.6, 0.0]])
    mesh = extract_mesh(ball, red_above, half, resolution=48)
    assert mesh.is_watertight
    assert mesh.vertices[:, 2].max() == pytest.approx(CENTRE[2], abs=0.03)


def test_the_glb_is_y_up_in_metres_with_colours(tmp_path: Path) -> None:
    write_glb(extract_mesh(ball, red_above, BOX, resolution=32), tmp_path / "ball.glb")
    scene = trimesh.load_scene(tmp_path / "ball.glb")
    read = scene.to_mesh()
    assert np.allclose(read.bounds.mean(axis=0), [CENTRE[0], CENTRE[2], -CENTRE[1]], atol=0.02)
    top = read.vertices[:, 1] > CENTRE[2] + 0.1
    assert (np.asarray(read.visual.vertex_colors)[top, :3] == [255, 0, 0]).all()


def test_an_empty_box_says_so() -> None:
    with pytest.raises(ExportError, match="no surface"):
        extract_mesh(lambda points: np.zeros(len(points)), red_above, BOX, resolution=16)
