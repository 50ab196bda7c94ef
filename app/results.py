"""What is made of a finished edit or a capture, for the command line and the window alike."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnerf_core.errors import Cancelled

if TYPE_CHECKING:
    from qnerf_core.export.nerf import FittedScene
    from qnerf_core.scene.scene import Scene

    Progress = Callable[[str, float, str], None]  # part, share of it that is done, what else is known
    IsCancelled = Callable[[], bool]

PARTS = ("images", "nerf", "turntable", "mesh")
FRAMES = 48
_COLUMNS = 8
# Shares of the time, measured with 24 views of 256 px; only the smoothness of the progress bar depends on them.
_WEIGHTS = {"images": 0.03, "nerf": 0.6, "turntable": 0.27, "mesh": 0.1}


@dataclass(frozen=True)
class Exported:
    made: dict[str, Path]
    nerf_psnr: float | None


def share_done(parts: Collection[str], part: str, fraction: float) -> float:
    """The share of a whole export that is done while one of its parts is being made."""
    needed = _needed(parts)
    before = sum(_WEIGHTS[name] for name in PARTS[: PARTS.index(part)] if name in needed)
    return (before + _WEIGHTS[part] * fraction) / sum(_WEIGHTS[name] for name in needed)


def export_results(
    run: Path,
    out: Path,
    parts: Collection[str],
    progress: Progress,
    cancelled: IsCancelled,
    *,
    frames: int = FRAMES,
    seed: int = 0,
    interval: int | None = None,
) -> Exported:
    """Write an edit as images with cameras, NeRF, turntable, mesh, and one picture of what was made.

    Turntable and mesh need the NeRF, the NeRF needs the images: what is needed is made too, once. With `interval` all
    this is made of what that interval previewed.
    """
    from qnerf_core import files
    from qnerf_core.export.image_set import export_image_set
    from qnerf_core.export.mesh import extract_mesh, write_glb
    from qnerf_core.export.picture import Row, compose, spread
    from qnerf_core.export.subject import subject_box
    from qnerf_core.export.turntable import export_turntable

    needed = _needed(parts)
    progress("images", 0.0, "")
    edited = export_image_set(run, out / "dataset", interval)
    rows = [Row(caption, [files.read_image(path) for path in paths]) for caption, paths in _rows(run, edited)]
    made = {"dataset": out / "dataset", "picture": out / "picture.png"}
    psnr = None
    if "nerf" in needed:
        fitted = _fitted(edited, out / "nerf", seed, progress, cancelled)
        psnr = fitted.quality["psnr"]
        made["nerf"] = out / "nerf"
        if "turntable" in needed:
            film = _stoppable(lambda done, count: progress("turntable", done / count, f"{done}/{count}"), cancelled)
            pictures = export_turntable(fitted.field, [view.camera for view in fitted.views], out, frames, None, film)
            rows.append(Row("a turntable of the NeRF", [pictures[index] for index in spread(frames, _COLUMNS)]))
            made["turntable"] = out / "turntable.mp4"
        if "mesh" in needed:
            progress("mesh", 0.0, "")
            density = _stoppable(fitted.field.density, cancelled)
            write_glb(extract_mesh(density, fitted.field.colour, subject_box(run)), out / "mesh.glb")
            made["mesh"] = out / "mesh.glb"
    files.write_image(made["picture"], compose(rows))
    return Exported(made, psnr)


def fit_nerf(
    source: str, out: Path, progress: Progress, cancelled: IsCancelled, *, seed: int = 0, turntable: bool = False
) -> FittedScene:
    """Fit a NeRF to a capture (name or folder) or to the result of a run."""
    from qnerf_core.export.turntable import export_turntable

    fitted = _fit(_scene(source, out, progress, cancelled), out, seed, progress, cancelled)
    if turntable:
        film = _stoppable(lambda done, count: progress("turntable", done / count, f"{done}/{count}"), cancelled)
        export_turntable(fitted.field, [view.camera for view in fitted.views], out, FRAMES, None, film)
    return fitted


def _needed(parts: Collection[str]) -> set[str]:
    needed = {"images", *parts}
    return needed | {"nerf"} if needed & {"turntable", "mesh"} else needed


def _fitted(edited: Scene, out: Path, seed: int, progress: Progress, cancelled: IsCancelled) -> FittedScene:
    """The field of an earlier export of the same pictures, or a new one."""
    from qnerf_core import files
    from qnerf_core.export.image_set import read_provenance
    from qnerf_core.export.nerf import CHECKPOINT_FILE, QUALITY_FILE, FittedScene, bounds_around, split_views
    from qnerf_core.field.radiance import RadianceField
    from qnerf_core.field.settings import RadianceSettings

    if (out / QUALITY_FILE).is_file() and (out / CHECKPOINT_FILE).is_file():
        quality: dict[str, Any] = files.read_json(out / QUALITY_FILE)
        same = {
            "provenance": read_provenance(edited.root),
            "seed": seed,
            "settings": RadianceSettings().model_dump(mode="json"),
        }
        if all(quality.get(key) == value for key, value in same.items()):
            views = split_views(edited)[0]
            bounds = bounds_around([view.camera for view in views]) if edited.bounds is None else edited.bounds
            return FittedScene(RadianceField.load(out / CHECKPOINT_FILE), views, bounds, quality)
    return _fit(edited, out, seed, progress, cancelled)


def _fit(scene: Scene, out: Path, seed: int, progress: Progress, cancelled: IsCancelled) -> FittedScene:
    from qnerf_core.export.nerf import fit_scene

    def show(iteration: int, iterations: int, loss: float) -> None:
        progress("nerf", iteration / iterations, f"{iteration}/{iterations}, loss {loss:.5f}")

    progress("nerf", 0.0, "")
    return fit_scene(scene, out, seed=seed, progress=show, cancelled=cancelled)


def _scene(source: str, out: Path, progress: Progress, cancelled: IsCancelled) -> Scene:
    from qnerf_core.export.image_set import export_image_set
    from qnerf_core.runs.folder import RUN_FILE
    from qnerf_core.runs.scenes import load_run_scene

    if (Path(source) / RUN_FILE).is_file():
        return export_image_set(source, out / "dataset")

    def show(stage: str, done: int, total: int) -> None:
        progress(stage, done / max(total, 1), f"{done}/{total}")

    return load_run_scene(source, show, cancelled)[0]


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


def _stoppable(function: Callable[..., Any], cancelled: IsCancelled) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        if cancelled():
            raise Cancelled("The export was stopped", next_step="What is written is complete; export again.")
        return function(*arguments)

    return call
