from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from qnerf_core.authoring.alligator import Alligator, random_toy
from qnerf_core.authoring.boot import random_boot_design
from qnerf_core.authoring.boot_shape import BootState
from qnerf_core.authoring.families import FAMILIES
from qnerf_core.authoring.hero import OWN_COLOURS as HERO_COLOURS
from qnerf_core.authoring.hero import random_suit
from qnerf_core.authoring.lamp import LampState, random_lamp_design
from qnerf_core.authoring.mesh import SurfaceMesh, vertex_normals
from qnerf_core.authoring.skinned import FineBody
from qnerf_core.authoring.sofa import OWN_COLOURS as SOFA_COLOURS
from qnerf_core.authoring.sofa import SofaState, random_sofa_design
from qnerf_core.authoring.statue import OWN_STONE, Statue, random_sculpture
from qnerf_core.authoring.subject import PosedBody
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.proxy.model import DepthProxy


@pytest.fixture(scope="module")
def body() -> FineBody:
    return FineBody(BodyModel.load())


def _height(mesh: SurfaceMesh) -> float:
    return float(mesh.vertices[:, 2].max())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_draws_pairs_that_stand_in_the_room(name: str, body: FineBody) -> None:
    subject = FAMILIES[name].random_subject(np.random.default_rng(3), body)
    again = FAMILIES[name].random_subject(np.random.default_rng(3), body)
    assert name.split()[0] in subject.caption()
    assert subject.caption() == again.caption()
    first, second = subject.random_pair(np.random.default_rng(5))
    np.testing.assert_array_equal(first.mesh.vertices, again.random_pair(np.random.default_rng(5))[0].mesh.vertices)
    for staged in (first, second):
        mesh = staged.mesh
        lowest = mesh.vertices[:, 2].min() if staged.fixture is None else staged.fixture.vertices[:, 2].min()
        assert lowest == pytest.approx(0.0, abs=0.02)
        assert np.abs(mesh.vertices[:, :2]).max() < 2.0
        assert 0.4 < _height(mesh) < 2.9
        assert mesh.albedo.min() >= -0.05
        assert mesh.albedo.max() <= 1.3
        assert mesh.faces.max() < len(mesh.vertices) == len(mesh.albedo) == len(mesh.gloss) == len(mesh.glow)
        assert isinstance(staged.control, PosedBody if FAMILIES[name].control == "skeleton" else DepthProxy)
    changed = first.mesh.vertices.shape != second.mesh.vertices.shape or (
        np.abs(first.mesh.vertices - second.mesh.vertices).max() > 0.05
    )
    assert changed


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.control == "skeleton"])
def test_a_posed_family_surrounds_its_skeleton(name: str, body: FineBody) -> None:
    generator = np.random.default_rng(8)
    staged = FAMILIES[name].random_subject(generator, body).random_pair(generator)[0]
    assert isinstance(staged.control, PosedBody)
    # The neck is between the shoulders; limbs are inside: some surface is near on every side.
    for keypoint in staged.control.keypoints[[2, 3, 5, 6, 8, 9, 11, 12]]:
        assert np.linalg.norm(staged.mesh.vertices - keypoint, axis=1).min() < 0.16


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.control == "depth"])
def test_a_proxy_holds_the_object_loosely(name: str, body: FineBody) -> None:
    generator = np.random.default_rng(9)
    for _ in range(3):
        for staged in FAMILIES[name].random_subject(generator, body).random_pair(generator):
            assert isinstance(staged.control, DepthProxy)
            assert 2 <= len(staged.control.parts) <= 4
            inside = np.zeros(len(staged.mesh.vertices), dtype=bool)
            for part in staged.control.parts:
                inside |= (np.abs(part.to_unit(staged.mesh.vertices)) < 0.56).all(1)
            assert inside.mean() > 0.75
            box = staged.control.box()
            sizes = [np.ptp(box, axis=0), np.ptp(staged.mesh.vertices, axis=0)]
            np.testing.assert_allclose(sizes[0], sizes[1], rtol=0.45, atol=0.12)


@pytest.mark.parametrize("name", FAMILIES)
def test_surfaces_face_outwards(name: str, body: FineBody) -> None:
    generator = np.random.default_rng(11)
    mesh = FAMILIES[name].random_subject(generator, body).random_pair(generator)[0].mesh
    # The volume by the divergence theorem: negative if the faces are inside out.
    corners = mesh.vertices[mesh.faces]
    volume = np.einsum("fa,fa->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume > 0
    assert vertex_normals(mesh.vertices, mesh.faces)[mesh.vertices[:, 2].argmax(), 2] > 0


def _sofa(generator: np.random.Generator, state: SofaState) -> SurfaceMesh:
    return random_sofa_design(generator).mesh(state)


def _lamp(generator: np.random.Generator, state: LampState) -> SurfaceMesh:
    return random_lamp_design(generator).mesh(state)


def _boot(generator: np.random.Generator, state: BootState) -> SurfaceMesh:
    return random_boot_design(generator).mesh(state)


_SOFA = SofaState(width=1.6, depth=0.9, seat=0.42, arms=0.6, back=0.85)
_LAMP = LampState(height=1.5, reach=0.3, drop=0.1, shade=0.4, shade_height=0.28, tilt=0.2)
_BOOT = BootState(shaft=0.9, toe=0.5, heel=0.05)


@pytest.mark.parametrize(
    ("make", "before", "after", "axis", "growth"),
    [
        (_sofa, _SOFA, SofaState(2.2, 0.9, 0.42, 0.6, 0.85), 0, 0.6),
        (_sofa, _SOFA, SofaState(1.6, 0.9, 0.42, 0.6, 1.2), 2, 0.35),
        (_lamp, _LAMP, LampState(1.9, 0.3, 0.1, 0.4, 0.28, 0.2), 2, 0.4),
        (_lamp, _LAMP, LampState(1.5, 0.3, 0.1, 0.7, 0.28, 0.2), 0, 0.3),
        (_boot, _BOOT, BootState(1.3, 0.5, 0.05), 2, 0.4),
        (_boot, _BOOT, BootState(0.9, 0.8, 0.05), 1, 0.3),
        (_boot, _BOOT, BootState(0.9, 0.5, 0.3), 2, 0.25),
    ],
)
def test_an_edit_changes_what_it_says(
    make: Callable[..., SurfaceMesh], before: object, after: object, axis: int, growth: float
) -> None:
    sizes = [np.ptp(make(np.random.default_rng(2), state).vertices, axis=0) for state in (before, after)]
    assert sizes[1][axis] - sizes[0][axis] == pytest.approx(growth, abs=0.06)
    others = [other for other in range(3) if other != axis]
    assert np.abs(sizes[1] - sizes[0])[others].max() < 0.35


def test_left_and_right_legs_of_the_toy_stay_apart(body: FineBody) -> None:
    toy = Alligator(body, random_toy(np.random.default_rng(4)))
    pose = toy.dressed_pose(BodyPose.rest())
    vertices = toy.vertices(pose)
    knees = body.model(pose).joints[[4, 5], 2].mean()
    at_knees = vertices[np.abs(vertices[:, 2] - knees) < 0.03]
    near_middle = np.abs(at_knees[:, 0] - pose.translation[0]) < 0.004
    # The tail is behind (the toy faces -y); nothing joins the legs in front.
    assert not (near_middle & (at_knees[:, 1] < 0.08)).any()


def test_a_statue_stands_on_its_pedestal(body: FineBody) -> None:
    statue = Statue(body, random_sculpture(np.random.default_rng(6)))
    for staged in statue.random_pair(np.random.default_rng(7)):
        assert staged.fixture is not None
        assert staged.mesh.vertices[:, 2].min() == pytest.approx(_height(staged.fixture), abs=0.02)


def test_random_subjects_are_not_the_captures_own() -> None:
    generator = np.random.default_rng(12)
    for _ in range(60):
        assert np.linalg.norm(np.subtract(random_suit(generator).main, HERO_COLOURS[0])) > 0.2
        assert np.linalg.norm(np.subtract(random_sofa_design(generator).first, SOFA_COLOURS[0])) > 0.2
        assert random_sculpture(generator).stone != OWN_STONE


def test_random_subjects_differ(body: FineBody) -> None:
    generator = np.random.default_rng(13)
    designs = [random_boot_design(generator) for _ in range(12)]
    assert all(first != second for first, second in pairwise(designs))
    assert len({design.material for design in designs}) == 3
