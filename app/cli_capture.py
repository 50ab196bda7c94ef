"""`inspect`: what is wrong with a capture, what can be repaired, and how it is read."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from app.console import USER_ERROR, interruptible, messages, print_json, results
from app.progress import ResultProgress
from qnerf_core.errors import SettingsError

if TYPE_CHECKING:
    from qnerf_core.scene.capture_settings import CaptureSettings
    from qnerf_core.scene.problems import CaptureReport


class RepairChoice(StrEnum):
    """What can be repaired; "all" repairs whatever can be."""

    all = "all"
    skip = "skip"
    orthonormalise = "orthonormalise"
    recentre = "recentre"


class ShapeChoice(StrEnum):
    auto = "auto"
    keep = "keep"
    crop = "crop"
    pad = "pad"


class FrameChoice(StrEnum):
    auto = "auto"
    keep = "keep"
    upright = "find"


Numbers = Annotated[str | None, typer.Option(help="Three numbers, as 0,0,1.")]


def inspect(
    capture: Annotated[str, typer.Argument(help="A built-in scene, the folder of a capture, or one of photos.")],
    repair: Annotated[
        list[RepairChoice] | None, typer.Option(help="Repair what can be; the files of the capture stay as they are.")
    ] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this frame out.")] = None,
    model: Annotated[str | None, typer.Option(help="Which sparse model of COLMAP.")] = None,
    frame: Annotated[
        FrameChoice | None, typer.Option(help="Keep the capture's own frame, or stand it upright.")
    ] = None,
    up: Numbers = None,
    centre: Numbers = None,
    scale: Annotated[float | None, typer.Option(help="Metres of one unit of the capture.")] = None,
    lift: Annotated[float | None, typer.Option(help="Metres by which everything is lifted.")] = None,
    turn: Annotated[float | None, typer.Option(help="Degrees by which everything is turned.")] = None,
    region: Annotated[str | None, typer.Option(help="Box of the subject, in metres: x0,y0,z0,x1,y1,z1.")] = None,
    masks_from: Annotated[
        Path | None, typer.Option(help="A NeRF of the capture (see `fit`): masks of what is in the box.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Most pixels of the longer side.", show_default="1024")] = None,
    shape: Annotated[ShapeChoice | None, typer.Option(help="How pictures of several shapes become one.")] = None,
    aspect: Annotated[str | None, typer.Option(help="Shape to crop or pad to, as 1:1.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What the pictures show.")] = None,
    find_cameras: Annotated[
        bool, typer.Option("--find-cameras", help="Find the cameras of a folder of photos.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget all repairs and settings of this capture first.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List all problems of a capture, repair what can be, and set how it is read.

    Repairs are remembered and applied whenever the capture is opened; its files are never changed.
    """
    from qnerf_core.scene.capture import capture_path
    from qnerf_core.scene.capture_settings import CaptureSettings, write_settings
    from qnerf_core.scene.opening import source_of

    path = capture_path(capture)
    source = source_of(path)
    if reset:
        write_settings(source, CaptureSettings())
    matched = _find_cameras(path) if find_cameras else None
    changes: dict[str, Any] = {
        "model": model,
        "frame.mode": frame.value if frame else None,
        "frame.up": _numbers("--up", up, 3),
        "frame.centre": _numbers("--centre", centre, 3),
        "frame.scale": scale,
        "frame.lift": lift,
        "frame.turn": turn,
        "region": _box(region),
        "longest_side": size,
        "shape": shape.value if shape else None,
        "aspect": _aspect(aspect),
        "prompt": prompt,
        "skip": skip,
    }
    chosen = {name: value for name, value in changes.items() if value is not None}
    if chosen:
        _change(source, chosen)
    if repair:
        _repair(path, source, {choice.value for choice in repair})
    if masks_from is not None:
        _draw_masks(path, source, masks_from)
    report_problems(path, as_json, matched)


def _draw_masks(path: Path, source: Path, field: Path) -> None:
    import numpy as np

    from qnerf_core.field.box_masks import write_box_masks
    from qnerf_core.field.radiance import RadianceField
    from qnerf_core.scene.capture import load_scene
    from qnerf_core.scene.capture_settings import captures_folder, read_settings, write_settings

    settings = read_settings(source)
    if settings.region is None:
        step = "Set it first, or with: --region x0,y0,z0,x1,y1,z1"
        raise SettingsError("No masks can be drawn", "the box of the subject is not known", step)
    out = captures_folder() / "masks" / f"{source.name}-{secrets.token_hex(6)}"
    with interruptible() as cancelled, ResultProgress() as progress:
        scene, _ = load_scene(path, progress.count, cancelled)
        box = np.array(settings.region)
        write_box_masks(RadianceField.load(field), scene, box, out, progress.count, cancelled)
    write_settings(source, settings.model_copy(update={"masks": str(out)}))


def report_problems(path: Path, as_json: bool, matched: dict[str, Any] | None = None) -> None:
    from qnerf_core.scene.capture_settings import CaptureSettings, read_settings
    from qnerf_core.scene.opening import source_of

    report = _inspected(path)
    settings = read_settings(source_of(path))
    if as_json:
        content: dict[str, Any] = {
            "usable": report.usable,
            "kind": report.kind,
            "views": report.views,
            "points": report.points,
            "models": report.models,
            "problems": [asdict(problem) for problem in report.problems],
            "settings": settings.model_dump(mode="json"),
        }
        print_json(content | ({"matched": matched} if matched else {}))
    else:
        _print(report)
        if settings != CaptureSettings():
            applied = settings.model_dump(mode="json", exclude_defaults=True)
            results.print(f"Repairs and settings: {applied}", soft_wrap=True, markup=False)
    if not report.usable:
        raise typer.Exit(USER_ERROR)


def _print(report: CaptureReport) -> None:
    if report.kind:
        points = f", {report.points} sparse points" if report.points else ""
        results.print(f"{report.kind}: {report.views} views{points}")
    repairable = False
    for problem in report.problems:
        style = "yellow" if problem.severity == "warning" else "bold red"
        text = f"{problem.where}: {problem.what}. {problem.next_step}"
        repair = f"  [{problem.repair.label}]" if problem.repair else ""
        repairable |= problem.repair is not None
        results.print(Text.assemble((f"{problem.severity}  ", style), text, (repair, "cyan")), soft_wrap=True)
    errors, count = len(report.errors), len(report.problems)
    results.print(f"{count} problems, {errors} of them errors." if count else "No problem was found.")
    if repairable:
        results.print("What stands in brackets can be done for you: add --repair all, or --repair with one of them.")


def _inspected(path: Path) -> CaptureReport:
    from qnerf_core.scene.validation import inspect_capture

    with ResultProgress() as progress:
        return inspect_capture(path, progress.count)


def _find_cameras(path: Path) -> dict[str, Any]:
    from qnerf_core.scene.photos import find_cameras

    with interruptible() as cancelled, ResultProgress() as progress:
        matched = find_cameras(path, progress.count, cancelled)
    messages.print(str(matched), soft_wrap=True)
    for name, reason in matched.unreadable:
        messages.print(f"{name} could not be read: {reason}", soft_wrap=True)
    return asdict(matched)


def _repair(path: Path, source: Path, kinds: set[str]) -> None:
    from qnerf_core.scene.capture_settings import read_settings, write_settings

    # A repair may bring to light what hid behind its problem: frames are looked at once their file is understood.
    for _ in range(3):
        settings = read_settings(source)
        repairs = {
            problem.repair
            for problem in _inspected(path).problems
            if problem.repair and (problem.repair.kind in kinds or ("all" in kinds and problem.repair.kind != "model"))
        }
        changed = settings
        for repair in sorted(repairs, key=lambda found: (found.kind, found.value)):
            changed = changed.repaired(repair)
            messages.print(f"Repaired: {repair.label}", soft_wrap=True)
        if changed == settings:
            return
        write_settings(source, changed)


def _change(source: Path, chosen: dict[str, Any]) -> None:
    from pydantic import ValidationError

    from qnerf_core.scene.capture_settings import CaptureSettings, read_settings, write_settings

    content = read_settings(source).model_dump(mode="json")
    for name, value in chosen.items():
        room, _, last = name.rpartition(".")
        target = content[room] if room else content
        target[last] = [*target[last], *value] if last == "skip" else value
    try:
        settings: CaptureSettings = CaptureSettings.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError("These settings do not work", f"{where}: {first['msg']}", "Change them.") from error
    write_settings(source, settings)


def _numbers(option: str, text: str | None, count: int) -> list[float] | None:
    if text is None:
        return None
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count:
        raise SettingsError(f"{option} {text} does not work", f"it is not {count} numbers", "Give them as 0,0,1.")
    return found


def _box(text: str | None) -> list[list[float]] | None:
    found = _numbers("--region", text, 6)
    if found is None:
        return None
    low, high = found[:3], found[3:]
    if any(a >= b for a, b in zip(low, high, strict=True)):
        step = "Give the lower corner first."
        raise SettingsError(f"--region {text} does not work", "its second corner is not above the first", step)
    return [low, high]


def _aspect(text: str | None) -> float | None:
    if text is None:
        return None
    parts = _numbers("--aspect", text.replace(":", ","), 2)
    assert parts is not None
    if min(parts) <= 0:
        raise SettingsError(f"--aspect {text} does not work", "both numbers must be above zero", "Give it as 1:1.")
    return parts[0] / parts[1]
