"""`fit`, `export` and `evaluate`: what is made of a capture or of a finished edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.console import interruptible, messages, print_json, results
from app.progress import ResultProgress

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
    from app.results import fit_nerf

    with interruptible() as cancelled, ResultProgress() as progress:
        fitted = fit_nerf(source, out, progress.show, cancelled, seed=seed, turntable=turntable)
    if as_json:
        print_json(fitted.quality)
    else:
        results.print(f"The field is in {out}; {_quality(fitted.quality['psnr'])}", soft_wrap=True)


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a finished edit.")],
    out: Annotated[Path | None, typer.Option(help="Where to.", show_default="RUN/export")] = None,
    nerf: Annotated[bool, typer.Option(help="Also fit a NeRF: with its turntable and mesh.")] = True,
    frames: Annotated[int, typer.Option(min=2, help="Frames of the turntable.")] = 48,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Write an edit as images with cameras, NeRF, turntable, mesh, and one picture of it all."""
    from app.results import PARTS, export_results

    parts = PARTS if nerf else ("images",)
    with interruptible() as cancelled, ResultProgress() as progress:
        exported = export_results(run, out or run / "export", parts, progress.show, cancelled, frames=frames, seed=seed)
    if as_json:
        print_json({**{name: str(path) for name, path in exported.made.items()}, "nerf_psnr": exported.nerf_psnr})
        return
    for name, path in exported.made.items():
        results.print(f"{name:10} {path}", soft_wrap=True)
    if nerf:
        results.print(f"NeRF       {_quality(exported.nerf_psnr)}", soft_wrap=True)


def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of a finished edit.")],
    nerf: Annotated[bool, typer.Option(help="Also fit a NeRF to measure agreement (most of the time).")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure an edit: against the truth, between the views, against the originals."""
    from rich.table import Table

    from qnerf_core.evaluation.report import evaluate as measure
    from qnerf_core.runs.folder import RunFolder
    from qnerf_core.scene.capture import load_scene

    with interruptible() as cancelled, ResultProgress() as progress:
        # A run may name a capture that is not prepared yet, or not any more.
        load_scene(RunFolder(run).spec.scene, progress.count, cancelled)
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


def _quality(psnr: float | None) -> str:
    return "no view was kept out to measure it" if psnr is None else f"{psnr:.2f} dB on views kept out"
