from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qnerf_core.errors import RunError
from qnerf_core.evaluation import report
from qnerf_core.evaluation.heldout import kept_out
from qnerf_core.evaluation.image_metrics import MAX_PSNR
from qnerf_core.scene.capture import load_capture
from qnerf_core.scene.scene import load_images
from tests.synthetic_capture import write_capture
from tests.synthetic_run import make_backbone, make_spec, write_run

ISSUE_KEYS = (
    "psnr_truth",
    "ssim_truth",
    "perceptual_truth",
    "silhouette_iou",
    "view_agreement_psnr",
    "heldout_nerf_psnr",
    "kid",
    "fid",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    write_capture(folder / "scene", views=12, size=64, heldout=2)
    make_backbone(folder / "model")
    return folder


def run_that_shows(place: Path, name: str, images: np.ndarray, **changes: object) -> Path:
    capture = load_capture(place / "scene")
    views = tuple(view.name for view in capture.scene.training_views)
    spec = make_spec(place / "scene", place / "model").model_copy(update=changes)
    return write_run(place / name, spec, images, views)


def truth(place: Path) -> np.ndarray:
    capture = load_capture(place / "scene")
    names = [view.name for view in capture.scene.training_views]
    return load_images(capture.edits["up"].truth.subset(names).views)


def source(place: Path) -> np.ndarray:
    return load_images(load_capture(place / "scene").scene.training_views)


def test_a_perfect_edit_has_the_ideal_figures_and_the_source_has_not(place: Path) -> None:
    result = report.evaluate(run_that_shows(place, "perfect", truth(place)), nerf=False)
    assert set(ISSUE_KEYS) <= result.keys()
    assert set(ISSUE_KEYS) <= result["source"].keys()
    assert result["psnr_truth"] == MAX_PSNR
    assert result["ssim_truth"] == pytest.approx(1.0)
    assert result["perceptual_truth"] == pytest.approx(0.0, abs=1e-6)
    assert result["silhouette_iou"] == result["silhouette_iou_ceiling"]
    assert result["silhouette_iou_ceiling"] >= 0.95
    assert result["view_agreement_psnr"] == result["view_agreement_psnr_ceiling"]
    assert result["fid_truth"] == pytest.approx(0.0, abs=1e-3)
    assert result["fid"] > 1.0
    unedited = result["source"]
    assert unedited["psnr_truth"] < unedited["psnr_truth_full"] < MAX_PSNR
    assert unedited["silhouette_iou"] < 0.8
    assert unedited["perceptual_truth"] > 0.01
    # Not by much: where the ball is now, every view of the source shows the same sky.
    assert unedited["view_agreement_psnr_figure"] < result["view_agreement_psnr_figure"]
    assert unedited["fid"] == pytest.approx(0.0, abs=1e-3)
    assert result["warnings"] == []
    assert result["views"] == 10 == len(result["per_view"]["psnr_truth"])
    assert [row["interval"] for row in result["query_disagreement"]] == [0, 1, 2]
    assert result["query_disagreement"][0]["recorded"] == pytest.approx(0.3)
    assert result["query_disagreement"][0]["kept"] == pytest.approx(0.2)
    assert "EfficientNet-Lite0" in result["feature_networks"]["kid_fid"]
    assert result["unavailable"].keys() == {"heldout_nerf_psnr", "heldout_nerf_psnr_full"}
    stored = (place / "perfect" / report.EVALUATION_FILE).read_text()
    assert json.loads(stored) == json.loads(json.dumps(result))


def test_the_same_run_gives_the_same_figures(place: Path) -> None:
    noise = np.random.default_rng(0).normal(scale=0.05, size=truth(place).shape)
    folder = run_that_shows(place, "noisy", np.clip(truth(place) + noise, 0, 1).astype(np.float32))
    first, second = (report.evaluate(folder, nerf=False) for _ in range(2))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert first["psnr_truth"] == pytest.approx(26.0, abs=1.0)
    assert first["silhouette_iou"] > 0.85
    assert first["view_agreement_psnr"] < first["view_agreement_psnr_ceiling"] - 2
    reused = report.evaluate(folder, nerf=False, source=first["source"])
    assert reused["source"] == first["source"]


def test_without_a_truth_the_rest_is_still_measured(place: Path) -> None:
    folder = run_that_shows(place, "own-pose", source(place), edit="/somewhere/pose.json")
    result = report.evaluate(folder, nerf=False)
    assert result["psnr_truth"] is None
    assert "pose of the user's own" in result["unavailable"]["psnr_truth"]
    assert result["unavailable"].keys() >= set(report.TRUTH_KEYS)
    assert result["kid"] is not None
    assert result["silhouette_iou_ceiling"] is None


def test_a_damaged_truth_is_a_reason_and_not_the_end(tmp_path: Path) -> None:
    write_capture(tmp_path / "scene", views=4, heldout=1)
    make_backbone(tmp_path / "model")
    folder = run_that_shows(tmp_path, "run", source(tmp_path))
    (tmp_path / "scene/edits/up/images/001.png").write_bytes(b"not a picture")
    result = report.evaluate(folder, nerf=False)
    assert "001.png" in result["unavailable"]["ssim_truth"]
    assert result["fid"] is not None


def test_an_unfinished_run_is_refused(place: Path) -> None:
    folder = run_that_shows(place, "unfinished", source(place))
    (folder / "edited/001.png").unlink()
    with pytest.raises(RunError, match="1 of 10"):
        report.evaluate(folder)


def test_every_fourth_view_is_kept_out() -> None:
    assert kept_out(10) == (1, 5, 9)
    assert kept_out(24) == (1, 5, 9, 13, 17, 21)
