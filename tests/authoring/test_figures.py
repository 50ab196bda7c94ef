from __future__ import annotations

import numpy as np
import pytest

from qnerf_core.authoring.capture import ring_of_cameras
from qnerf_core.authoring.dataset import PICTURE_SIZE, random_camera
from qnerf_core.authoring.light import shadowed_floor
from qnerf_core.authoring.materials import colour_name
from qnerf_core.authoring.mesh import vertex_normals
from qnerf_core.authoring.person import Figure, random_appearance
from qnerf_core.authoring.random_pose import random_pose
from qnerf_core.authoring.render import Picture, Renderer, look_at
from qnerf_core.authoring.room import random_room
from qnerf_core.authoring.showpieces import PERSON
from qnerf_core.authoring.skinned import FineBody
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose import BodyPose
from qnerf_core.scene.camera import Camera


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def fine(body: BodyModel) -> FineBody:
    return FineBody(body)


@pytest.fixture(scope="module")
def figure(fine: FineBody) -> Figure:
    return Figure(fine, PERSON)


@pytest.fixture(scope="module")
def pictures(figure: Figure) -> list[tuple[Camera, Picture]]:
    renderer = Renderer(PICTURE_SIZE)
    renderer.stage(random_room(np.random.default_rng(0)), figure.staged(figure.dressed_pose(BodyPose.rest())))
    cameras = ring_of_cameras(4)
    result = [(camera, renderer.picture(camera)) for camera in cameras]
    renderer.close()
    return result


def test_clothes_cover_the_skin_and_do_not_sink_into_the_floor(body: BodyModel, figure: Figure) -> None:
    pose = figure.dressed_pose(BodyPose.rest())
    # The first vertices of the finer body are those of the body itself.
    bare = body(pose).vertices
    dressed = figure.vertices(pose)[: len(bare)]
    assert figure.vertices(pose)[:, 2].min() == pytest.approx(0.0, abs=1e-9)
    outward = ((dressed - bare) * vertex_normals(bare, body.faces)).sum(1)
    assert outward.min() > -1e-3
    assert outward.max() == pytest.approx(max(PERSON.hair_thickness, PERSON.looseness), abs=8e-3)


def test_clothes_are_where_they_belong(figure: Figure, body: BodyModel) -> None:
    rest = body.rest_vertices(np.array(PERSON.betas))
    chest = np.abs(rest - [0.0, 1.35 - 0.96, 0.1]).sum(1).argmin()
    thigh = np.abs(rest - [0.11, -0.25, 0.08]).sum(1).argmin()
    fingers = rest[:, 0].argmax()
    for vertex, colour in ((chest, PERSON.shirt.colour), (thigh, PERSON.trousers.colour), (fingers, PERSON.skin)):
        np.testing.assert_allclose(figure.rest.albedo[vertex], colour, rtol=0.15)
    assert PERSON.caption() == "a photo of a person in a red shirt and blue trousers"


@pytest.mark.parametrize(
    ("colour", "name"),
    [((0.9, 0.1, 0.1), "red"), ((0.05, 0.05, 0.1), "black"), ((0.4, 0.2, 0.05), "brown"), ((0.9, 0.9, 0.92), "white")],
)
def test_colours_have_their_everyday_names(colour: tuple[float, float, float], name: str) -> None:
    assert colour_name(colour) == name


def test_every_picture_is_of_the_camera_it_was_asked_of(pictures: list[tuple[Camera, Picture]], figure: Figure) -> None:
    # VTK shows the camera before last unless told to render: the mask must match the projected mesh in every view.
    vertices = figure.vertices(figure.dressed_pose(BodyPose.rest()))
    for camera, picture in pictures:
        pixels, _ = camera.project(vertices)
        found = np.argwhere(picture.mask)[:, ::-1]
        np.testing.assert_allclose(found.min(0), pixels.min(0), atol=1.5)
        np.testing.assert_allclose(found.max(0) + 1, pixels.max(0), atol=1.5)


def test_depth_is_the_distance_along_the_axis(pictures: list[tuple[Camera, Picture]], figure: Figure) -> None:
    vertices = figure.vertices(figure.dressed_pose(BodyPose.rest()))
    for camera, picture in pictures:
        rows, columns = np.nonzero(picture.mask)
        points = camera.unproject(np.stack([columns, rows], 1) + 0.5, picture.depth[rows, columns].astype(float))
        sample = points[:: max(1, len(points) // 50)]
        nearest = np.linalg.norm(sample[:, None] - vertices[None], axis=2).min(1)
        assert np.quantile(nearest, 0.9) < 0.02
        floor = camera.unproject(np.array([128.0, 250.0]), float(picture.depth[250, 128]))
        assert floor[2] == pytest.approx(0.0, abs=0.03)


def test_rooms_and_figures_follow_from_their_seed() -> None:
    first, second = (random_room(np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.floor, second.floor)
    assert random_appearance(np.random.default_rng(4)) == random_appearance(np.random.default_rng(4))
    np.testing.assert_array_equal(
        random_pose(np.random.default_rng(5)).body_pose, random_pose(np.random.default_rng(5)).body_pose
    )


def test_the_shadow_lies_under_the_figure(figure: Figure) -> None:
    room = random_room(np.random.default_rng(1))
    shadow = shadowed_floor(room, figure.vertices(figure.dressed_pose(BodyPose.rest()))) / np.maximum(room.floor, 1e-3)
    middle = shadow.shape[0] // 2
    assert shadow[middle, middle].mean() < 0.8
    assert shadow[5, 5].mean() == pytest.approx(1.0)


def test_training_cameras_see_the_figure(body: BodyModel) -> None:
    generator = np.random.default_rng(2)
    joints = body(body.on_floor(BodyPose.rest())).joints
    for _ in range(50):
        pixels, depth = random_camera(generator).project(joints)
        assert (depth > 1).all()
        assert ((pixels > -20) & (pixels < PICTURE_SIZE + 20)).mean() > 0.9


def test_look_at_puts_the_target_in_the_middle() -> None:
    target = np.array([0.2, -0.1, 1.0])
    camera = look_at(np.array([2.0, 1.0, 1.7]), target, 128, 40.0)
    pixels, depth = camera.project(target)
    np.testing.assert_allclose(pixels, [64, 64], atol=1e-9)
    assert depth == pytest.approx(np.linalg.norm(target - [2.0, 1.0, 1.7]))
