from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from qnerf_core import assets
from qnerf_core.body.model import BodyModel
from qnerf_core.body.pose_file import read_pose
from qnerf_core.control.raster import rasterise_depth
from qnerf_core.diffusion.schedule import make_schedule
from qnerf_core.editing.attempt import ResumeState
from qnerf_core.editing.consolidate import run
from qnerf_core.editing.correspondence import surface_maps
from qnerf_core.editing.events import InversionFinished, RunFinished
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.subject import Subject
from qnerf_core.proxy.model import DepthProxy, ProxyPart
from tests.editing.conftest import SHORT, changed
from tests.editing.test_consolidate import of_kind
from tests.synthetic_capture import ring_of_cameras

SIZE = (32, 32)


def boxes(*centres: float) -> DepthProxy:
    return DepthProxy(
        tuple(
            ProxyPart(f"box{index}", "box", np.array([x, 0.0, 0.5]), np.zeros(3), np.full(3, 0.6))
            for index, x in enumerate(centres)
        )
    )


def test_a_spot_has_the_same_place_before_and_after() -> None:
    (camera,) = ring_of_cameras(1, 256)
    before, after = boxes(0.0), boxes(0.25)
    subject = Subject.of(before, after, None)
    maps = surface_maps(subject, [camera], SIZE)
    length = 0.05 * float(np.linalg.norm(np.ptp(before.mesh()[0], axis=0)))
    fine = camera.scaled(2 * SIZE[1], 2 * SIZE[0])
    for proxy, shift, layer in ((before, 0.0, maps.source), (after, 0.25, maps.target)):
        depth = rasterise_depth(*proxy.mesh(), fine)
        pixels = np.stack(np.meshgrid(np.arange(fine.width), np.arange(fine.height)), axis=-1) + 0.5
        seen = fine.unproject(pixels, depth) - [shift, 0.0, 0.0]
        covered = (depth > 0).reshape(32, 2, 32, 2)
        np.testing.assert_allclose(layer[0, 0], covered.mean(axis=(1, 3)))
        whole = covered.all(axis=(1, 3))
        assert whole.sum() > 20
        places = layer[0, 1:].permute(1, 2, 0).numpy()[whole] * length
        np.testing.assert_allclose(places, seen.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))[whole], atol=1e-4)


def test_a_body_is_known_by_its_rest_pose_and_stands_off_its_mesh() -> None:
    body = BodyModel.load()
    stand = read_pose(assets.poses_folder() / "stand.json")
    raised = read_pose(assets.poses_folder() / "arms-raised.json")
    # One of those that see it from the front or from behind, where no arm hides the other.
    camera = min(ring_of_cameras(8, 256), key=lambda camera: abs(camera.camera_to_world[0, 3]))
    subject = Subject.of(stand, raised, body)
    maps = surface_maps(subject, [camera], SIZE)
    length = 0.05 * float(np.linalg.norm(np.ptp(body.rest_vertices(stand.betas), axis=0)))
    # Both wrists are where the rest pose has them, before and after.
    for pose, layer in ((stand, maps.source), (raised, maps.target)):
        pixel, _ = camera.project(body(pose).joints[[20, 21]])
        for (column, row), wrist in zip((pixel / 8).astype(int), body.rest_joints(stand.betas)[[20, 21]], strict=True):
            share, *place = layer[0, :, row, column].tolist()
            assert share >= 0.5
            assert np.linalg.norm(np.array(place) / share * length - wrist) < 0.15
    tight = rasterise_depth(*subject.source, camera.scaled(64, 64)) > 0
    assert tight.sum() < 4 * float(maps.source[0, 0].sum()) < 2 * tight.sum()


def test_what_stands_off_a_body_moves_with_its_spot() -> None:
    body = BodyModel.load()
    stand, raised = (read_pose(assets.poses_folder() / f"{name}.json") for name in ("stand", "arms-raised"))
    camera = min(ring_of_cameras(8, 256), key=lambda camera: abs(camera.camera_to_world[0, 3]))
    subject = Subject.of(stand, raised, body)
    bare, after = (rasterise_depth(*mesh, camera) > 0 for mesh in (subject.source, subject.target))
    # Sleeves: the forearms are twelve pixels thicker on every side than the body's.
    pixels, _ = camera.project(body(stand).joints[[18, 19, 20, 21]])
    rows, columns = np.indices(bare.shape)
    forearms = np.zeros(bare.shape, dtype=bool)
    for elbow, wrist in ((0, 2), (1, 3)):
        for share in np.linspace(0, 1, 40):
            column, row = pixels[elbow] + share * (pixels[wrist] - pixels[elbow])
            forearms |= np.hypot(rows - row, columns - column) < 14
    plain = surface_maps(subject, [camera], SIZE)
    dressed = surface_maps(subject, [camera], SIZE, [bare | forearms])
    unclad = surface_maps(subject, [camera], SIZE, [bare])
    assert torch.equal(plain.target, unclad.target)
    assert torch.equal(plain.source, unclad.source)
    gained = (dressed.target - plain.target)[0, 0]
    assert float(gained.min()) == 0.0
    assert float(gained.sum()) > 4.0
    # What it gained is around the raised forearms.
    ends, _ = camera.project(body(raised).joints[[18, 19, 20, 21]])
    for row, column in np.argwhere(gained.numpy() > 0.3):
        place = np.array([8 * column + 4, 8 * row + 4])
        assert min(_distance_to_line(place, ends[elbow], ends[wrist]) for elbow, wrist in ((0, 2), (1, 3))) < 30
    assert not (gained[after.reshape(32, 8, 32, 8).all(axis=(1, 3))] > 0).any()
    # A tail is too far from any body to say where it goes.
    tail = bare.copy()
    tail[120:130, 200:250] = True
    assert torch.equal(plain.source, surface_maps(subject, [camera], SIZE, [tail]).source)


def _distance_to_line(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    along = end - start
    share = np.clip((point - start) @ along / (along @ along), 0, 1)
    return float(np.linalg.norm(point - start - share * along))


def test_a_subject_without_places_is_refused() -> None:
    subject = replace(Subject.of(boxes(0.0), boxes(0.0), None), places=None)
    with pytest.raises(ValueError, match="not known"):
        surface_maps(subject, ring_of_cameras(1, 256), SIZE)


def test_an_edit_starts_from_the_draft_with_carried_noise_and_resumes_from_it(inputs: EditInputs) -> None:
    size = tuple(inputs.images.shape[2:])
    latent_size = size[0] // inputs.backbone.vae_reduction, size[1] // inputs.backbone.vae_reduction
    maps = surface_maps(Subject.of(boxes(0.5), boxes(0.9), None), inputs.cameras, latent_size)
    led_inputs = replace(inputs, maps=maps, drafts=inputs.images.flip(3))
    # Without a pass that moves them, latents end as they start.
    still = changed(SHORT, method="independent", diffusion__injection__enabled=False)
    led = list(run(led_inputs, still, run_id="led"))
    plain = list(run(inputs, still, run_id="plain"))
    (inverted,) = of_kind(led, InversionFinished)
    assert torch.equal(inverted.trajectory, of_kind(plain, InversionFinished)[0].trajectory)
    ends = [of_kind(events, RunFinished)[0].latents for events in (led, plain)]
    assert not torch.allclose(ends[0], ends[1], atol=1e-3)
    signal = make_schedule(inputs.backbone.scheduler_config, 4).alphas[0] ** 0.5
    started = inverted.trajectory.clone()
    noise = started[0] - signal * started[-1]
    started[0] = maps.carried(noise, slice(None)) + signal * inputs.backbone.encode_images(inputs.images.flip(3))
    by_hand = list(run(inputs, still, run_id="hand", resume=ResumeState(started)))
    assert torch.allclose(of_kind(by_hand, RunFinished)[0].latents, ends[0], atol=1e-4)
    again = list(run(led_inputs, still, run_id="again", resume=ResumeState(inverted.trajectory)))
    assert torch.equal(of_kind(again, RunFinished)[0].latents, ends[0])
