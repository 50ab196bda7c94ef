from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.maps import colours
from tests.synthetic_run import VIEWS, make_backbone, make_spec, write_run


def test_one_basis_shows_views_and_both_kinds_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    recorded = torch.randn((2, 8, 6, 6), generator=generator) * torch.tensor([9.0, 3, 1, 1, 1, 1, 1, 1])[:, None, None]
    recorded[1] = recorded[0]
    own, same = colours(recorded, recorded.clone())
    assert own.shape == (2, 6, 6, 3)
    assert own.dtype == np.uint8
    assert (own[0] == own[1]).all()
    assert (own == same).all()
    assert own.std() > 40
    # The first colour follows the channel that varies most, in its own direction.
    assert np.corrcoef(own[0, ..., 0].ravel(), recorded[0, 0].flatten().numpy())[0, 1] > 0.9
    _, fainter = colours(recorded, recorded * 0.5)
    assert fainter.std() < own.std()
    narrow, _ = colours(recorded[:, :2], recorded[:, :2])
    assert (narrow[..., 2] == 128).all()


def test_a_run_keeps_the_pictures_of_every_fit(tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "scene", make_backbone(tmp_path / "model"))
    run = RunFolder(write_run(tmp_path / "run", spec, np.zeros((3, 3, 16, 16), np.float32)))
    fitted = [index for index in range(3) if run.maps(index) is not None]
    planned = [entry["index"] for entry in run.info["intervals"] if entry["look_ahead"] != [0, 0]]
    assert fitted == planned != []
    path = run.maps(fitted[0])
    assert path is not None
    with np.load(path) as maps:
        assert {f"{kind}_{layer}" for kind in ("recorded", "rendered", "disagreement") for layer in (0, 1)} <= set(maps)
        assert maps["recorded_1"].shape == (len(VIEWS), 4, 4, 3)
        assert maps["disagreement_0"].dtype == np.float16
        assert float(maps["depth"].max()) == 1.0
