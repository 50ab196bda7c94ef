from __future__ import annotations

from pathlib import Path

import pytest

from qnerf_core.errors import StudioError
from qnerf_core.scene.capture import load_scene
from qnerf_core.scene.scene import load_image, load_mask
from tests.scene.colmap_captures import needs_pycolmap
from tests.scene.damaged import DAMAGES, DOCUMENT, Damage, report_of, section

_CASES = [
    pytest.param(damage, id=damage.title.replace(" ", "-"), marks=needs_pycolmap if damage.colmap else ())
    for damage in DAMAGES
]


@pytest.mark.parametrize("damage", _CASES)
def test_a_damaged_capture_says_what_where_and_what_next(damage: Damage, tmp_path: Path) -> None:
    place = tmp_path / "toy"
    report = report_of(damage, place)
    assert section(damage, report, place) in DOCUMENT.read_text(), "write it again: python -m tests.scene.damaged"
    assert report.problems
    for problem in report.problems:
        assert problem.where
        assert problem.what
        assert problem.next_step
    # That all cameras stand at one place shows in the report only.
    if not report.usable and damage.title != "All cameras at one place":
        with pytest.raises(StudioError) as raised:
            _use(place)
        assert raised.value.cause
        assert raised.value.next_step


def _use(place: Path) -> None:
    """As an edit does: what is wrong with a picture shows when it is read."""
    for view in load_scene(place)[0].views:
        load_image(view)
        if view.mask_path is not None:
            load_mask(view)


def test_the_document_has_no_other_sections() -> None:
    titles = [line[3:] for line in DOCUMENT.read_text().splitlines() if line.startswith("## ")]
    assert titles == [damage.title for damage in DAMAGES]
    assert len(titles) >= 20
