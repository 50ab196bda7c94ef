from __future__ import annotations

import json
from pathlib import Path

import pytest

from app import estimate
from app.cli import main
from qnerf_core.editing.spec import EditSpec
from qnerf_core.models.measured import StepCost
from qnerf_core.scene.capture import load_scene
from tests.tiny_models import builtin_like


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QNERF_HOME", str(tmp_path))


def test_measured_steps_make_the_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    spec = EditSpec(backbone=str(builtin_like()), image_size=64, views=4)
    scene = load_scene("person")[0]
    guess = estimate.estimate(spec, scene)
    assert not guess.measured
    assert main(["models", "measure", str(builtin_like()), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["plain"] > 0
    assert told["guided"] > 0
    assert estimate.estimate(spec, scene).measured
    estimate.learn(spec, StepCost(2.0, 4.0, 10**9, 4, (64, 64), "cpu"))
    slow = estimate.estimate(spec, scene)
    estimate.learn(spec, StepCost(1.0, 2.0, 10**8, 4, (64, 64), "cpu"))
    fast = estimate.estimate(spec, scene)
    assert slow.seconds == pytest.approx(2 * fast.seconds)
    assert slow.memory - fast.memory == pytest.approx(4 * 9 * 10**8, rel=0.01), "four views at once"
    careful = spec.model_copy(update={"model": spec.model.model_copy(update={"slicing": True})})
    assert not estimate.estimate(careful, scene).measured


def test_every_view_takes_the_memory_of_its_pictures_and_depths() -> None:
    scene = load_scene("person")[0]
    plain = EditSpec.model_validate(
        {"backbone": str(builtin_like()), "image_size": 256, "method": "independent"}
        | {"diffusion": {"injection": {"enabled": False}}}
    )
    few, many = (estimate.estimate(plain.model_copy(update={"views": count}), scene).memory for count in (8, 24))
    # Measured of the built-in capture at 512 px: 24 to 28 MB a view.
    assert 24e6 < (many - few) / 16 * 4 < 30e6
