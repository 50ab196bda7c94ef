"""`fit-body` and `fit-proxy`: what shapes the subject of a capture that brings neither pose nor proxy."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.console import interruptible, messages, print_json, results
from app.progress import ResultProgress
from qnerf_core.errors import KeypointsError

if TYPE_CHECKING:
    from qnerf_core.body.fitting import BodyFit
    from qnerf_core.body.keypoints import Keypoints
    from qnerf_core.scene.scene import Scene

_UNSURE = 0.05
_MOST_NAMED = 6


class ProxyKind(StrEnum):
    """What a proxy is made of."""

    boxes = "boxes"
    mesh = "mesh"


def fit_body(
    capture: Annotated[str, typer.Argument(help="A built-in scene or the folder of a capture.")],
    out: Annotated[Path, typer.Option(help="The pose file to write; `edit --source-pose` takes it.")],
    keypoints: Annotated[
        Path | None, typer.Option(help="A file of keypoints: where joints are seen in the pictures.")
    ] = None,
    own_proportions: Annotated[
        bool, typer.Option("--own-proportions", help="It is not built like people: fit the lengths of its parts, too.")
    ] = False,
    masks: Annotated[bool, typer.Option("--masks", help="Refine by the capture's masks.")] = False,
    detector: Annotated[
        str | None, typer.Option(help="Find the keypoints by a detector that is installed; clicks in the file stay.")
    ] = None,
    save_keypoints: Annotated[
        Path | None, typer.Option(help="Write the keypoints that were used, to correct them in the window.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Also write the body in a pose of the library, to be the edit: `kick`, `wave` ..."),
    ] = None,
    target_out: Annotated[
        Path | None, typer.Option(help="Where to; `edit --edit` takes it.", show_default="beside OUT")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a body to the subject of a capture: its pose, shape and place."""
    from qnerf_core.body.fitting import FitSettings, refine_body
    from qnerf_core.body.fitting import fit_body as fit_to
    from qnerf_core.body.keypoints import write_keypoints
    from qnerf_core.body.library import PoseLibrary, apply_part
    from qnerf_core.body.placement import leaning_as
    from qnerf_core.body.pose_file import write_pose
    from qnerf_core.body.silhouettes import Silhouettes
    from qnerf_core.body.surface import BodySurface
    from qnerf_core.scene.capture import load_scene

    # A wrong name is told before the work.
    aimed = PoseLibrary.standard().load(target) if target is not None else None
    with interruptible() as cancelled, ResultProgress() as progress:
        scene = load_scene(capture, progress.count, cancelled)[0]
        seen = _keypoints(keypoints, detector, scene, cancelled)
        if save_keypoints is not None:
            write_keypoints(save_keypoints, seen, scene)
        body, settings = BodySurface.load(), FitSettings(own_proportions)
        messages.print(f"Fitting a body to {len(seen)} keypoints ...")
        tell = partial(progress.share, "Fitting the body")
        fit = fit_to(seen, scene, body, settings, progress=tell, cancelled=cancelled)
        if masks:
            messages.print("Refining by the masks ...")
            tell, outlines = partial(progress.share, "Refining by the masks"), Silhouettes.of(scene, body)
            fit = refine_body(fit, seen, scene, body, outlines, settings, progress=tell, cancelled=cancelled)
    write_pose(out, fit.pose)
    written = None
    if aimed is not None:
        written = target_out or out.with_name(f"{out.stem}-{target}.json")
        moved = leaning_as(apply_part(fit.pose, aimed), aimed)
        write_pose(written, body.on_floor(moved, float(body.vertices(fit.pose)[:, 2].min())))
    if as_json:
        print_json(_record(fit, out) | ({"target": str(written)} if written else {}))
    else:
        _tell(fit, out)
        if written is not None:
            results.print(f"The target is in {written}", soft_wrap=True)


def _keypoints(path: Path | None, detector: str | None, scene: Scene, cancelled: Callable[[], bool]) -> Keypoints:
    from qnerf_core.body.keypoints import Keypoints, read_keypoints

    if path is None and detector is None:
        raise KeypointsError(
            "There are no keypoints",
            "neither a file nor a detector was given",
            "Click joints in the window (Pose, Fit to the photos), or give --keypoints or --detector.",
        )
    seen = read_keypoints(path, scene) if path is not None else Keypoints()
    if detector is not None:
        from qnerf_core.body.detectors import detect, load_detector

        messages.print(f"Looking for keypoints with {detector} ...")
        seen = seen.found_again(detect(load_detector(detector), detector, scene.training_views, cancelled))
    return seen


def _record(fit: BodyFit, out: Path) -> dict[str, Any]:
    from qnerf_core.body.pose import SMPL_JOINTS

    return {
        "pose": str(out),
        "error_pixels": None if fit.error != fit.error else fit.error,
        "in_metres": fit.in_metres,
        "size": float(fit.pose.proportions[0]),
        "mirrored": fit.mirrored,
        "joint_deviations": dict(zip(SMPL_JOINTS, fit.joint_deviations.tolist(), strict=True)),
        "residuals": [
            {
                "view": one.view,
                "keypoint": one.keypoint,
                "error_pixels": one.error,
                "outlier": one.outlier,
                "exchanged": one.exchanged,
            }
            for one in fit.residuals
        ],
    }


def _tell(fit: BodyFit, out: Path) -> None:
    from qnerf_core.body.pose import SMPL_JOINTS

    outliers = [one for one in fit.residuals if one.outlier]
    exchanged = [one for one in fit.residuals if one.exchanged]
    results.print(f"{fit.error:.1f} pixels off in the mean; {len(outliers)} of {len(fit.residuals)} left out.")
    for one in sorted(outliers, key=lambda one: -one.error)[:_MOST_NAMED]:
        name = one.keypoint.replace("_", " ")
        results.print(f"  left out: {name} in {one.view}, {one.error:.0f} pixels off", soft_wrap=True)
    if fit.mirrored:
        results.print("Left and right were exchanged everywhere: the body faces the other way.")
    elif exchanged:
        views = ", ".join(dict.fromkeys(one.view for one in exchanged))
        results.print(f"Left and right were exchanged in: {views}", soft_wrap=True)
    if not fit.in_metres:
        results.print(f"The subject has {fit.pose.proportions[0]:.2f} times the size of a person in metres.")
    size = float(fit.pose.proportions[0])
    pairs = zip(SMPL_JOINTS, fit.joint_deviations.tolist(), strict=True)
    unsure = [name.replace("_", " ") for name, deviation in pairs if deviation > _UNSURE * size]
    if unsure:
        results.print(f"Hardly known are: {', '.join(unsure)}", soft_wrap=True)
    results.print(f"The pose is in {out}", soft_wrap=True)


def fit_proxy(
    capture: Annotated[str, typer.Argument(help="A built-in scene or the folder of a capture with masks.")],
    out: Annotated[Path, typer.Option(help="The proxy file (JSON) to write; `edit --source-pose` takes it.")],
    kind: Annotated[ProxyKind, typer.Option(help="What it is made of.")] = ProxyKind.boxes,
    boxes: Annotated[int, typer.Option(min=1, max=64, help="At most so many boxes.")] = 8,
    misses: Annotated[int, typer.Option(min=0, help="So many masks may be wrong at a place.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a loose depth proxy to the subject of a capture. Ctrl-C stops at once, and OUT stays as it was."""
    from qnerf_core.proxy.files import write_proxy
    from qnerf_core.proxy.fitting import fit_proxy as fit_to
    from qnerf_core.scene.capture import load_scene

    with interruptible() as cancelled, ResultProgress() as progress:
        scene = load_scene(capture, progress.count, cancelled)[0]
        messages.print("Carving the subject out of the masks ...")
        made_of: Literal["boxes", "mesh"] = "mesh" if kind is ProxyKind.mesh else "boxes"
        tell = partial(progress.share, "Fitting the proxy")
        proxy = fit_to(scene, made_of, boxes=boxes, misses=misses, progress=tell, cancelled=cancelled)
    write_proxy(out, proxy)
    low, high = proxy.box()
    if as_json:
        parts = [{"name": part.name, "kind": part.kind, "size": part.size.tolist()} for part in proxy.parts]
        print_json({"proxy": str(out), "parts": parts, "box": [low.tolist(), high.tolist()]})
    else:
        size = " x ".join(f"{side:.2f}" for side in high - low)
        results.print(f"{len(proxy.parts)} parts, {size} in all.")
        results.print(f"The proxy is in {out}", soft_wrap=True)
