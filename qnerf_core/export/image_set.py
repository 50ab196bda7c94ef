"""The edited pictures as a data set that other tools, and this one, open as a capture."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from qnerf_core import files
from qnerf_core.editing.edit_files import EditFiles, try_to_find_edit
from qnerf_core.editing.inputs import target_depth
from qnerf_core.errors import ExportError, RunError
from qnerf_core.export.original_frame import write_original_frame
from qnerf_core.runs.folder import INFO_FILE, RunFolder
from qnerf_core.runs.scenes import load_run_scene
from qnerf_core.scene.capture import BOUNDARY_FOLDER, CAPTURE_FILE, SOURCE_FILES
from qnerf_core.scene.nerfstudio import FILE_NAME, read_transforms, scene_metadata, write_transforms
from qnerf_core.scene.provenance import read_provenance
from qnerf_core.scene.scene import Scene, View, write_depth

DEPTH_FOLDER = "depth"


def export_image_set(run_folder: Path | str, out: Path | str, interval: int | None = None) -> Scene:
    """Write a run's pictures with their cameras: ``images/<view>.png`` (or ``.jpg``) and ``transforms.json``.

    The cameras are those that the capture came with (scaled if the pictures were edited at another size). The
    pictures are the run's own files, byte for byte, so each result carries the full settings; ``transforms.json``
    names where they come from under ``qnerf.provenance``. Where the target of the edit is known, ``depth/<view>.png``
    is the depth that the edit aimed at, which helps a NeRF of so few views, and the target becomes the source of a
    ``capture.json``, so that the set can be edited again. If the capture was prepared (undistorted, cut, moved),
    ``original/`` holds the pictures uncut, with the poses in the capture's own frame.

    Args:
        run_folder: A run.
        out: A new or empty folder, or one that holds an earlier export, which is replaced.
        interval: Export the previews of this finished interval; None exports the result.

    Returns:
        The set, read again from the disk.

    Raises:
        RunError: The run is not finished, or kept no previews of the interval.
        FileFormatError: A picture is damaged.
        ExportError: The folder holds something else.
    """
    run, out = RunFolder(run_folder), Path(out)
    pictures = _result(run) if interval is None else _previews(run, interval)
    sizes = {files.read_image(path).shape[:2] for path in pictures.values()}
    height, width = max(sizes)
    if out.exists() and any(out.iterdir()) and not _is_export(out):
        raise ExportError(f"Cannot export to {out}", "it holds something else", "Choose a new or empty folder.")
    whole, capture = load_run_scene(run.spec.scene)
    scene = whole.subset(run.views)
    for folder in (out / "images", out / DEPTH_FOLDER, out / BOUNDARY_FOLDER):
        if folder.exists():
            shutil.rmtree(folder)
    edit = try_to_find_edit(run.spec, whole, capture)
    depths = {}
    if edit is not None:
        depths = dict(zip(run.views, target_depth(run.spec, run.views, (height, width)), strict=True))
    views = []
    for view in scene.views:
        source = pictures[view.name]
        path = out / "images" / f"{view.name}{source.suffix}"
        files.write_bytes(path, source.read_bytes())
        depth_path = None
        if view.name in depths:
            depth_path = out / DEPTH_FOLDER / f"{view.name}.png"
            write_depth(depth_path, depths[view.name])
        views.append(View(view.name, view.camera.scaled(width, height), path, depth_path=depth_path))
    name = f"{scene.name}, {Path(run.spec.edit).stem}" + ("" if interval is None else f", interval {interval + 1}")
    scene = replace(scene, name=name, prompt=run.info.get("prompt") or scene.prompt)
    metadata = scene_metadata(scene)
    metadata["qnerf"]["provenance"] = provenance(run) | ({} if interval is None else {"interval": interval})
    write_transforms(views, out / FILE_NAME, extra=metadata)
    _write_capture(edit, scene, out, (height, width))
    write_original_frame(views, scene.root, out)
    return read_transforms(out)


def _result(run: RunFolder) -> dict[str, Path]:
    run.load_edited()
    return {view: run.edited_path(view) for view in run.views}


def _previews(run: RunFolder, interval: int) -> dict[str, Path]:
    folder = run.interval_folder(interval)
    pictures = {view: folder / "previews" / f"{view}.jpg" for view in run.views}
    missing = [view for view, path in pictures.items() if not path.is_file()]
    if missing or not pictures or not (folder / INFO_FILE).is_file():
        raise RunError(
            f"Interval {interval + 1} of {run.path.name} has no pictures to export",
            f"{len(missing)} of {len(pictures)} previews are missing",
            "Choose a finished interval of a run that keeps previews.",
        )
    return pictures


def _write_capture(edit: EditFiles | None, scene: Scene, out: Path, size: tuple[int, int]) -> None:
    """Make the set a capture whose subject is posed or shaped as the run's target, if that is known."""
    for name in (CAPTURE_FILE, *SOURCE_FILES.values()):
        (out / name).unlink(missing_ok=True)
    if edit is None:
        return
    source = SOURCE_FILES[edit.control]
    files.write_bytes(out / source, edit.target.read_bytes())
    for view in scene.views:
        # Depth is for pictures of its own size only.
        if view.boundary_path is not None and (view.camera.height, view.camera.width) == size:
            files.write_bytes(out / BOUNDARY_FOLDER / f"{view.name}.png", view.boundary_path.read_bytes())
    content: dict[str, Any] = {
        "version": 1,
        "name": scene.name,
        "prompt": scene.prompt,
        "control": edit.control,
        Path(source).stem: source,
    }
    if scene.bounds is not None:
        content["bounds"] = scene.bounds.tolist()
    files.write_json(out / CAPTURE_FILE, content)


def provenance(run: RunFolder) -> dict[str, Any]:
    """Where an edited set comes from: settings, versions, model, and the provenance of its own source, if it has one.

    Args:
        run: The run that made it.
    """
    keys = ("spec", "seed", "prompt", "steps_done", "interrupted", "model", "versions")
    result: dict[str, Any] = {key: run.info.get(key) for key in keys}
    source = load_run_scene(run.spec.scene)[0].root
    earlier = read_provenance(source)
    return result | ({"source": earlier} if earlier else {})


def _is_export(out: Path) -> bool:
    return (out / FILE_NAME).is_file() and read_provenance(out) is not None
