from __future__ import annotations

import pytest
from pydantic import ValidationError

from qnerf_core.editing.spec import EditSpec
from tests.editing.conftest import changed


def test_it_goes_through_json_unchanged() -> None:
    spec = changed(EditSpec(), views=("000", "001"), diffusion__guidance__layers=(0, 1), seed=7)
    assert EditSpec.model_validate_json(spec.model_dump_json()) == spec


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        EditSpec().seed = 1  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize("views", [0, -1, ()])
def test_no_views_are_refused(views: object) -> None:
    with pytest.raises(ValidationError, match="views"):
        EditSpec.model_validate({"views": views})


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        EditSpec.model_validate({"stepz": 3})


def test_guidance_stops_at_the_share_of_the_steps() -> None:
    assert changed(EditSpec(), diffusion__steps=50, diffusion__guidance__stop_fraction=0.8).stop_step == 40
