"""`fit`, `export` and `evaluate`: what is made of a capture or of a finished edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.console import interruptible, messages, print_json, results
from app.progress import FitProgress

if TYPE_CHECKING:
    from qnerf_core.export.nerf import FittedScene
    from qnerf_core.scene.scene import Scene

_COLUMNS = 8

Seed = Annotated[int, typer.Option(min=0, help="Of everything drawn at random.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]


def fit(
    source: Annotated[str, typer.Argument(help="A built-in scene, the folder of a capture, or that of an edit.")],
    out: Annotated[Path, typer.Option(help="Folder for the field and its quality.")],
    seed: Seed = 0,
    turntable: Annotated[bool, typer.Option("--turntable", help="Also film it.")] = False,
    as_json: Json = False,
) -> None:
    """Fit a NeRF to a capture or an edited set."""
    from qnerf_core.export.turntable import export_turntable

    fitted = _fit(_scene(source, out), out, seed)
    if turntable:
        export_turntable(fitted.field, [view.camera for view in fitted.views], out)
    if as_json:
        print_json(fitted.quality)
    else:
        results.print(f"The field is in {out}; {_quality(fitted)}", soft_wrap=True)


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a finished edit.")],
    out: Annotated[Path | None, typer.Option(help="Where to.", show_default="RUN/export")] = None,
    nerf: Annotated[bool, typer.Option(help="Also fit a NeRF: with its turntable and mesh.")] = True,
    frames: Annotated[int, typer.Option(min=2, help="Frames of the turntable.")] = 48,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Write an edit as images with cameras, NeRF, turntable, mesh, and one picture of it all."""
    from qnerf_core import files
    from qnerf_core.export.image_set import export_image_set
    from qnerf_core.export.mesh import export_mesh
    from qnerf_core.export.picture import Row, compose, spread
    from qnerf_core.export.subject import subject_box
    from qnerf_core.export.turntable import export_turntable

    folder = out or run / "export"
    edited = export_image_set(run, folder / "dataset")
    rows = [Row(caption, [files.read_image(path) for path in paths]) for caption, paths in _rows(run, edited)]
    made = {"dataset": folder / "dataset", "picture": folder / "picture.png"}
    quality = None
    if nerf:
        fitted = _fit(edited, folder / "nerf", seed)
        cameras = [view.camera for view in fitted.views]
        quality = fitted.quality["psnr"]
        messages.print(f"NeRF: {_quality(fitted)}. Filming it ...")
        pictures = export_turntable(fitted.field, cameras, folder, frames)
        rows.append(Row("a turntable of the NeRF", [pictures[index] for index in spread(frames, _COLUMNS)]))
        export_mesh(fitted.field, subject_box(run), folder / "mesh.glb")
        made |= {"nerf": folder / "nerf", "turntable": folder / "turntable.mp4", "mesh": folder / "mesh.glb"}
    files.write_image(made["picture"], compose(rows))
    if as_json:
        print_json({**{name: str(path) for name, path in made.items()}, "nerf_psnr": quality})
        return
    for name, path in made.items():
        results.print(f"{name:10} {path}", soft_wrap=True)


def _rows(run: Path, edited: Scene) -> list[tuple[str, list[Path]]]:
    from qnerf_core.export.picture import spread
    from qnerf_core.runs.folder import RunFolder
    from qnerf_core.runs.scenes import load_run_scene

    spec = RunFolder(run).spec
    names = [edited.views[index].name for index in spread(len(edited.views), _COLUMNS)]
    scene, capture = load_run_scene(spec.scene)
    shown = [("the capture", scene), (f"the edit ({spec.edit}, {spec.method})", edited)]
    if capture is not None and spec.edit in capture.edits:
        shown.append(("the truth, which the edit never saw", capture.edits[spec.edit].truth))
    return [(caption, [part.view(name).image_path for name in names]) for caption, part in shown]


def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of a finished edit.")],
    nerf: Annotated[bool, typer.Option(help="Also fit a NeRF to measure agreement (most of the time).")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure an edit: against the truth, between the views, against the originals."""
    from rich.table import Table

    from qnerf_core.evaluation.report import evaluate as measure

    report = measure(run, nerf=nerf, progress=lambda what: messages.print(f"Measuring the {what} ..."))
    if as_json:
        print_json(report)
        return
    table = Table("figure", "edited", "source", box=None)
    for key, value in report["source"].items():
        table.add_row(key, _figure(report[key]), _figure(value))
    results.print(table)
    for key, reason in report["unavailable"].items():
        results.print(f"{key}: {reason}", soft_wrap=True)
    for warning in report["warnings"]:
        results.print(warning, style="yellow", soft_wrap=True)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _quality(fitted: FittedScene) -> str:
    psnr = fitted.quality["psnr"]
    return "no view was kept out to measure it" if psnr is None else f"{psnr:.2f} dB on views it never saw"


def _fit(scene: Scene, out: Path, seed: int) -> FittedScene:
    from qnerf_core.export.nerf import fit_scene

    with interruptible() as cancelled, FitProgress("NeRF") as progress:
        return fit_scene(scene, out, seed=seed, progress=progress.show, cancelled=cancelled)


def _scene(source: str, out: Path) -> Scene:
    from qnerf_core.export.image_set import export_image_set
    from qnerf_core.runs.folder import RUN_FILE
    from qnerf_core.runs.scenes import load_run_scene

    if (Path(source) / RUN_FILE).is_file():
        return export_image_set(source, out / "dataset")
    return load_run_scene(source)[0]
