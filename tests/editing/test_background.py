from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from qnerf_core.editing.attempt import ResumeState
from qnerf_core.editing.background import KeptBackground
from qnerf_core.editing.consolidate import run
from qnerf_core.editing.events import Event, IntervalFinished, InversionFinished, RunFinished, ViewsDecoded
from qnerf_core.editing.inputs import EditInputs
from qnerf_core.editing.region import EditRegion
from tests.editing.conftest import SHORT, VIEWS, changed
from tests.tiny_models import IMAGE_SIZE

EVERYTHING = slice(0, 1)


def region(certain: torch.Tensor, possible: torch.Tensor, light: torch.Tensor) -> EditRegion:
    return EditRegion(*(part.expand(VIEWS, IMAGE_SIZE, IMAGE_SIZE).clone() for part in (certain, possible, light)))


@pytest.fixture(scope="module")
def left(inputs: EditInputs) -> EditInputs:
    """The left quarter is the subject's, the light may change a little farther; from the middle on all is kept."""
    columns = torch.arange(IMAGE_SIZE)
    parts = ((columns < bound).float()[None, None] for bound in (IMAGE_SIZE // 4, IMAGE_SIZE // 4, IMAGE_SIZE // 4 + 4))
    return replace(inputs, region=region(*parts))


@pytest.fixture(scope="module")
def events(left: EditInputs) -> list[Event]:
    return list(run(left, changed(SHORT, previews=True), run_id="kept"))


def of_images(events: list[Event]) -> torch.Tensor:
    return torch.cat([event.images for event in events if isinstance(event, ViewsDecoded)])


def test_outside_latents_of_every_step_and_pixels_are_the_photos_bit_for_bit(
    left: EditInputs, events: list[Event]
) -> None:
    assert isinstance(events[-1], RunFinished), events[-1]
    trajectory = next(event.trajectory for event in events if isinstance(event, InversionFinished))
    middle = IMAGE_SIZE // 2
    for event in events:
        if isinstance(event, IntervalFinished):
            latents, photo = event.latents, trajectory[event.steps_done]
            # Three cells from the changing pixels: one more, and two of feather.
            assert torch.equal(latents[..., 6:], photo[..., 6:])
            assert not torch.allclose(latents[..., :3], photo[..., :3])
            assert event.previews is not None
            assert torch.equal(event.previews[..., middle:], left.images[..., middle:])
    images = of_images(events)
    assert torch.equal(images[..., middle:], left.images[..., middle:])
    edited = left.backbone.decode_latents(torch.cat([events[-1].latents]))
    torch.testing.assert_close(images[..., : IMAGE_SIZE // 4], edited[..., : IMAGE_SIZE // 4], atol=1e-5, rtol=0)


def test_a_resumed_run_keeps_the_same_bytes(left: EditInputs, events: list[Event]) -> None:
    trajectory = next(event.trajectory for event in events if isinstance(event, InversionFinished))
    second = [event for event in events if isinstance(event, IntervalFinished)][1]
    state = ResumeState(trajectory, second.interval, second.latents, second.field_state)
    resumed = list(run(left, changed(SHORT, previews=True), run_id="again", resume=state))
    assert torch.equal(of_images(resumed), of_images(events))


def test_where_everything_may_change_nothing_is_kept(inputs: EditInputs) -> None:
    alone = changed(SHORT, method="independent")
    plain = list(run(inputs, alone, run_id="plain"))
    ones = torch.ones(1, 1, 1)
    free = list(run(replace(inputs, region=region(ones, ones, ones)), alone, run_id="free"))
    assert torch.equal(of_images(free), of_images(plain))


def composed(photo: np.ndarray, decoded: np.ndarray, edited: np.ndarray, **shares: np.ndarray) -> torch.Tensor:
    """The final picture of one view; arrays (H, W), grey."""

    def picture(grey: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.repeat(grey[None, None], 3, axis=1)).float()

    size = photo.shape
    parts = [
        torch.from_numpy(shares.get(name, np.zeros(size)))[None].float() for name in ("certain", "possible", "light")
    ]
    trajectory = torch.zeros(2, 1, 4, size[0] // 8, size[1] // 8)
    background = KeptBackground(EditRegion(*parts), picture(photo), trajectory, lambda _: picture(decoded))
    return background.pictures(picture(edited), picture(shares.get("detailed", edited)), EVERYTHING)[0, 0]


def test_of_a_shadow_the_light_is_taken_over_and_the_texture_is_the_photos() -> None:
    rows, columns = np.mgrid[0:128, 0:128]
    texture = 0.5 + 0.1 * ((rows // 2 + columns // 2) % 2)
    smooth = np.full((128, 128), 0.55)
    shadow = 1 - 0.5 * np.exp(-((rows - 64) ** 2 + (columns - 50) ** 2) / 200.0)
    near = np.clip((100 - columns) / 20, 0, 1)
    result = composed(texture, smooth, smooth * shadow, light=near).numpy()
    dark = shadow < 0.8
    assert np.abs(result / (texture * shadow) - 1)[dark].max() < 0.08, "the shadow on the photo's own texture"
    # To a float's precision: what is compared went through torch.
    untouched = (columns > 101) | (shadow > 0.99)
    assert (result[untouched] == texture.astype(np.float32)[untouched]).all()
    lifted = composed(texture * shadow, smooth * shadow, smooth, light=near).numpy()
    assert np.abs(lifted / texture - 1)[dark].max() < 0.08, "and a shadow that is no more is lifted"


def test_beside_the_subject_only_what_is_new_is_taken() -> None:
    rng = np.random.default_rng(0)
    photo = rng.uniform(0.4, 0.6, (64, 64))
    decoded = np.full((64, 64), 0.5)
    edited = decoded + rng.normal(0, 0.005, (64, 64))
    edited[20:30, 20:30] = 0.9
    result = composed(photo, decoded, edited, possible=np.ones((64, 64))).numpy()
    np.testing.assert_allclose(result[22:28, 22:28], 0.9, atol=1e-6)
    away = np.ones((64, 64), bool)
    away[16:34, 16:34] = False
    assert (result[away] == photo.astype(np.float32)[away]).all()
    certain = composed(photo, decoded, edited, possible=np.ones((64, 64)), certain=np.ones((64, 64))).numpy()
    np.testing.assert_allclose(certain, edited, atol=1e-6)
