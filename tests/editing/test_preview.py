from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core.diffusion.denoise import Denoiser
from qnerf_core.editing import consolidate
from qnerf_core.editing.events import ViewsDecoded
from qnerf_core.editing.inputs import prepare
from qnerf_core.editing.preview import STEPS, Previewer
from qnerf_core.errors import Cancelled
from tests.app.engine.small_edit import small_capture, small_spec


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_preview_is_an_independent_edit_in_few_steps(tmp_path: Path, scale: float) -> None:
    capture = small_capture(tmp_path / "ball")
    few = {"steps": STEPS, "guidance_scale": scale, "guidance": {}}
    inputs = prepare(small_spec(capture, views=("002",), method="independent", diffusion=few, previews=False))
    spec = small_spec(capture, diffusion={"guidance_scale": scale})
    preview = Previewer().render(inputs, spec, lambda: None)
    whole = small_spec(capture, views=("002",), method="independent", diffusion=few, previews=False)
    (decoded,) = (event for event in consolidate.run(inputs, whole, run_id="r") if isinstance(event, ViewsDecoded))
    picture = decoded.images[0].mul(255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(preview, picture)


def test_a_view_is_inverted_once_and_stopped_between_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = small_capture(tmp_path / "ball")
    spec = small_spec(capture, views=("002",))
    inputs, previewer, passes = prepare(spec), Previewer(), 0
    run = Denoiser.source

    def counted(self: Denoiser, *arguments: object) -> object:
        nonlocal passes
        passes += 1
        return run(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Denoiser, "source", counted)
    first = previewer.render(inputs, spec, lambda: None)
    assert passes == STEPS
    again = previewer.render(prepare(spec, backbone=inputs.backbone), spec, lambda: None)
    assert passes == STEPS
    assert np.array_equal(first, again)
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        previewer.render(inputs, spec, stop)
    assert asked == 3
