from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional

from qnerf_core.editing.consolidate import run
from qnerf_core.editing.details import DraftDetails
from qnerf_core.editing.events import RunFinished, ViewsDecoded
from qnerf_core.editing.inputs import EditInputs
from tests.editing.conftest import SHORT, VIEWS, changed

ALL = slice(0, 2)


def small(pictures: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(pictures, 4)


def large(latents: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(latents, scale_factor=4.0, mode="nearest")


def coarse(pictures: torch.Tensor) -> torch.Tensor:
    """What an autoencoder that holds cells of four pixels gives back."""
    return large(small(pictures))


def details_of(drafts: torch.Tensor) -> DraftDetails:
    return DraftDetails(drafts, small, large)


def test_what_the_edit_leaves_is_the_draft_again() -> None:
    drafts = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    shown = details_of(drafts).pictures(coarse(drafts), ALL)
    # What came back of the drafts is kept in half precision.
    torch.testing.assert_close(shown, drafts, atol=1e-3, rtol=0)


def test_a_change_is_added_and_where_it_is_another_picture_nothing_of_the_draft_is_left() -> None:
    drafts = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.2
    edited = coarse(drafts) + 0.01
    edited[..., 32:] = 0.9
    shown = details_of(drafts).pictures(edited, ALL)
    torch.testing.assert_close(shown[..., :24], drafts[..., :24] + 0.01, atol=1e-3, rtol=0)
    torch.testing.assert_close(shown[..., 40:], edited[..., 40:], atol=1e-6, rtol=0)


def test_views_have_their_own_drafts() -> None:
    drafts = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    details = details_of(drafts)
    for view in (1, 0):
        batch = slice(view, view + 1)
        torch.testing.assert_close(details.pictures(coarse(drafts[batch]), batch), drafts[batch], atol=1e-3, rtol=0)


def test_an_edit_shows_them_unless_told_not_to(inputs: EditInputs) -> None:
    shown = {}
    for kept in (True, False):
        spec = changed(SHORT, method="independent", diffusion__details=kept)
        events = list(run(replace(inputs, drafts=inputs.images), spec, run_id="details"))
        assert isinstance(events[-1], RunFinished), events[-1]
        shown[kept] = torch.cat([event.images for event in events if isinstance(event, ViewsDecoded)])
        latents = events[-1].latents
    details = DraftDetails(inputs.images, inputs.backbone.encode_images, inputs.backbone.decode_latents)
    # As many views at once as the edit has: what is kept in half precision may else be rounded the other way.
    batches = [slice(start, start + 2) for start in range(0, VIEWS, 2)]
    decoded = [inputs.backbone.decode_latents(latents[batch]) for batch in batches]
    detailed = [details.pictures(pictures, batch) for pictures, batch in zip(decoded, batches, strict=True)]
    torch.testing.assert_close(shown[False], torch.cat(decoded), atol=1e-5, rtol=0)
    torch.testing.assert_close(shown[True], torch.cat(detailed), atol=1e-5, rtol=0)
    assert not torch.allclose(shown[True], shown[False], atol=1e-2)
