"""The figures of a finished edit, as one JSON object (issue 2, item 13)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qnerf_core import files
from qnerf_core.evaluation.agreement import MAX_ANGLE_DEGREES, Agreement, view_agreement
from qnerf_core.evaluation.distribution import distribution_distance
from qnerf_core.evaluation.features import feature_network_name
from qnerf_core.evaluation.figure import segment_figure
from qnerf_core.evaluation.heldout import KEPT_OUT_EVERY, MIN_VIEWS, heldout_quality
from qnerf_core.evaluation.image_metrics import perceptual_distance_map, psnr, silhouette_iou, ssim
from qnerf_core.evaluation.inputs import EvaluationInputs, Truth, load_inputs
from qnerf_core.field.settings import RadianceSettings
from qnerf_core.runs.folder import RunFolder

EVALUATION_FILE = "evaluation.json"
REPORT_VERSION = 2
NERF_OFF = "the radiance field was switched off"
# The finder of the figure must find it in the true pictures, or its figures mean nothing.
REQUIRED_CEILING = 0.95
TRUTH_KEYS = (
    "psnr_truth", "psnr_truth_full", "ssim_truth", "ssim_truth_full", "perceptual_truth", "perceptual_truth_full",
    "silhouette_iou", "view_agreement_psnr", "view_agreement_psnr_figure", "view_disagreement",
    "view_disagreement_figure", "kid_truth", "fid_truth",
)  # fmt: skip

EXPLANATIONS = {
    "region": "union of the true silhouettes before and after the edit, dilated by 1.2 % of the height; keys with "
    "_full: whole pictures",
    "psnr_truth": "dB, mean over views; higher is better",
    "ssim_truth": "SSIM map averaged over the region, mean over views; higher is better",
    "perceptual_truth": "LPIPS-like distance of EfficientNet-Lite0 features (not LPIPS), averaged over the region; "
    "lower is better",
    "silhouette_iou": "the figure, found by its difference from the camera's empty background (put together from all "
    "true pictures), against the true silhouette; the finder's value on the truth itself is silhouette_iou_ceiling",
    "view_agreement_psnr": "dB, views reprojected into neighbours within "
    f"{MAX_ANGLE_DEGREES:g} degrees by the target's true depth, hidden points left out, inside the region; "
    "_figure: on the target's figure only; the truth's own value is view_agreement_psnr_ceiling",
    "view_disagreement": "squared difference of the same reprojected points as a share of that of points taken at "
    "random; lower is better. The PSNR above rises when a figure gets fainter or more blurred; this does not",
    "heldout_nerf_psnr": f"dB, a radiance field fitted without every {KEPT_OUT_EVERY}th view, against those views, "
    "inside the region; a set that agrees with itself scores high whatever it shows, the source too",
    "kid": "edited views against the source views, all in one subset (unbiased, may be below zero); the source "
    "against itself is the zero of the scale, not a line to beat; kid_truth: against the true pictures",
    "fid": "as kid; fid_truth: against the true pictures",
    "query_disagreement": "per interval, mean over query layers: variance of the queries between views at the same "
    "points of the body as a share of all variance; recorded: before the fit, rendered: from the QNeRF, kept: at the "
    "last kept step",
}


def evaluate(
    run_folder: Path | str,
    *,
    nerf: bool = True,
    radiance: RadianceSettings | None = None,
    source: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Measure a finished run and write the figures to its `evaluation.json`.

    What cannot be measured is null, with its reason under ``unavailable``.

    Args:
        run_folder: The run.
        nerf: Also fit a radiance field to the edited views and one to the source (most of the time it takes).
        radiance: Settings of that field; None for the standard ones.
        source: Figures of the unedited source from another run on the same scene, edit, views and size, to save
            measuring them again.
        progress: Called with what is being measured.

    Returns:
        The object: the figures of the edited views, the same of the unedited source under ``source``, ceilings
        (the truth measured in the same way), per-view figures, names of networks, explanations.

    Raises:
        StudioError: The run is not finished, or its scene cannot be read.
    """
    began = time.perf_counter()
    inputs = load_inputs(run_folder)
    fit = (radiance or RadianceSettings()) if nerf else None
    say = progress or (lambda _: None)
    unavailable: dict[str, str] = {}
    per_view: dict[str, list[float]] = {}
    say("edited views")
    report: dict[str, Any] = {
        "version": REPORT_VERSION,
        "run": str(inputs.run.path),
        "scene": inputs.run.spec.scene,
        "edit": inputs.run.spec.edit,
        "method": inputs.run.spec.method,
        "hard_injection": inputs.run.spec.hard_injection,
        "progressive": inputs.run.spec.progressive,
        "seed": inputs.run.spec.seed,
        "views": len(inputs.cameras),
        "view_names": list(inputs.run.views),
        "image_size": list(inputs.edited.shape[2:]),
        "feature_networks": {"perceptual": feature_network_name(), "kid_fid": feature_network_name()},
        **measure(inputs.edited, inputs, fit, unavailable, per_view),
    }
    if source is None:
        say("source views")
        report["source"] = measure(inputs.source, inputs, fit, {}, {})
    else:
        report["source"] = dict(source)
    warnings: list[str] = []
    report |= _ceilings(inputs.truth, inputs, warnings)
    report["query_disagreement"] = query_disagreement(inputs.run)
    if not report["query_disagreement"]:
        unavailable["query_disagreement"] = "the run recorded no queries"
    report |= {
        "per_view": per_view,
        "unavailable": unavailable,
        "warnings": warnings,
        "explanations": EXPLANATIONS,
        "seconds": round(time.perf_counter() - began, 2),
    }
    files.write_json(inputs.run.path / EVALUATION_FILE, report)
    return report


def measure(
    images: np.ndarray,
    inputs: EvaluationInputs,
    radiance: RadianceSettings | None,
    unavailable: dict[str, str],
    per_view: dict[str, list[float]],
) -> dict[str, float | None]:
    """The figures of one set of pictures of the run's views.

    Args:
        images: (V, 3, H, W) in [0, 1]: the edited pictures, or the source's.
        inputs: What to compare with.
        radiance: Settings of the radiance field, None to leave it out.
        unavailable: Gets the reason of every figure that is null.
        per_view: Gets the figures of single views.

    Returns:
        All keys, null where a figure cannot be had.
    """
    figures: dict[str, float | None] = dict.fromkeys(TRUTH_KEYS)
    if inputs.truth is None:
        unavailable |= dict.fromkeys(TRUTH_KEYS, inputs.no_truth)
    else:
        figures |= _against_truth(images, inputs.truth, per_view)
        for suffix, areas in (("", inputs.truth.regions), ("_figure", inputs.truth.masks)):
            agreement = view_agreement(images, inputs.cameras, inputs.truth.depths, areas)
            keys = (f"view_agreement_psnr{suffix}", f"view_disagreement{suffix}")
            figures |= dict(
                zip(keys, (agreement.psnr, agreement.disagreement) if agreement else (None, None), strict=True)
            )
            if agreement is None:
                none = f"no two views within {MAX_ANGLE_DEGREES:g} degrees see a common point"
                unavailable |= dict.fromkeys(keys, none)
    few = "a distribution needs at least two views"
    for suffix, others in (("", inputs.source), ("_truth", inputs.truth.images if inputs.truth else None)):
        figures |= {f"kid{suffix}": None, f"fid{suffix}": None}
        if others is None:
            continue
        if len(images) < 2:
            unavailable |= {f"kid{suffix}": few, f"fid{suffix}": few}
            continue
        distance = distribution_distance(images, others)
        figures |= {f"kid{suffix}": distance.kid, f"fid{suffix}": distance.fid}
    return figures | _heldout(images, inputs, radiance, unavailable)


def query_disagreement(run: RunFolder) -> list[dict[str, float | int | None]]:
    """Disagreement of the queries between views, per interval, means over the query layers."""
    fitted = {record["interval"]: record for record in run.records() if record["event"] == "FieldFitted"}
    rows: list[dict[str, float | int | None]] = []
    for interval in run.intervals():
        fit = fitted.get(interval.index, {})
        row: dict[str, float | int | None] = {
            "interval": interval.index,
            "steps_done": interval.steps_done,
            "kept": _mean(interval.info["disagreement"]),
            "recorded": _mean(fit.get("disagreement", ())),
            "rendered": _mean(fit.get("rendered_disagreement", ())),
        }
        if any(row[key] is not None for key in ("kept", "recorded", "rendered")):
            rows.append(row)
    return rows


def _against_truth(images: np.ndarray, truth: Truth, per_view: dict[str, list[float]]) -> dict[str, float]:
    columns: dict[str, list[float]] = {key: [] for key in TRUTH_KEYS[:7]}
    for image, true, region, mask, plate in zip(
        images, truth.images, truth.regions, truth.masks, truth.plates, strict=True
    ):
        distances = perceptual_distance_map(image, true)
        inside = region if region.any() else None
        columns["psnr_truth"].append(psnr(image, true, inside))
        columns["psnr_truth_full"].append(psnr(image, true))
        columns["ssim_truth"].append(ssim(image, true, inside))
        columns["ssim_truth_full"].append(ssim(image, true))
        columns["perceptual_truth"].append(float((distances if inside is None else distances[inside]).mean()))
        columns["perceptual_truth_full"].append(float(distances.mean()))
        columns["silhouette_iou"].append(silhouette_iou(segment_figure(image, plate), mask))
    per_view |= columns
    return {key: float(np.mean(values)) for key, values in columns.items()}


def _heldout(
    images: np.ndarray, inputs: EvaluationInputs, radiance: RadianceSettings | None, unavailable: dict[str, str]
) -> dict[str, float | None]:
    reason = ""
    if radiance is None:
        reason = NERF_OFF
    elif len(images) < MIN_VIEWS:
        reason = f"{len(images)} views are too few to keep some out"
    elif inputs.bounds is None:
        reason = "the scene states no bounds"
    if radiance is None or inputs.bounds is None or reason:
        unavailable |= {"heldout_nerf_psnr": reason, "heldout_nerf_psnr_full": reason}
        return {"heldout_nerf_psnr": None, "heldout_nerf_psnr_full": None}
    regions = inputs.truth.regions if inputs.truth else None
    quality = heldout_quality(images, inputs.cameras, inputs.bounds, regions, radiance)
    if quality.region is None:
        unavailable["heldout_nerf_psnr"] = f"the region of the edit is unknown: {inputs.no_truth}"
    return {"heldout_nerf_psnr": quality.region, "heldout_nerf_psnr_full": quality.full}


def _ceilings(truth: Truth | None, inputs: EvaluationInputs, warnings: list[str]) -> dict[str, float | None]:
    if truth is None:
        return {
            "silhouette_iou_ceiling": None,
            "view_agreement_psnr_ceiling": None,
            "view_disagreement_ceiling": None,
        }
    found = [
        silhouette_iou(segment_figure(image, plate), mask)
        for image, plate, mask in zip(truth.images, truth.plates, truth.masks, strict=True)
    ]
    ceiling = float(np.mean(found))
    if ceiling < REQUIRED_CEILING:
        warnings.append(
            f"silhouette_iou is not reliable here: the figure is found in the true pictures themselves only with an "
            f"IoU of {ceiling:.3f}"
        )
    agreement: Agreement | None = view_agreement(truth.images, inputs.cameras, truth.depths, truth.regions)
    return {
        "silhouette_iou_ceiling": ceiling,
        "view_agreement_psnr_ceiling": agreement.psnr if agreement else None,
        "view_disagreement_ceiling": agreement.disagreement if agreement else None,
    }


def _mean(values: Any) -> float | None:
    finite = [value for value in values if value is not None]
    return float(np.mean(finite)) if finite else None
