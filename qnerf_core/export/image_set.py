"""The edited pictures as a data set that other tools, and this one, open as a capture."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from qnerf_core import files
from qnerf_core.errors import ExportError
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.scenes import load_run_scene
from qnerf_core.scene.nerfstudio import FILE_NAME, read_transforms, scene_metadata, write_transforms
from qnerf_core.scene.provenance import read_provenance
from qnerf_core.scene.scene import Scene, View


def export_image_set(run_folder: Path | str, out: Path | str) -> Scene:
    """Write a finished run as pictures with cameras: ``images/<view>.png`` and ``transforms.json``.

    The cameras are those that the capture came with (scaled if the pictures were edited at another size). The
    pictures are the run's own files, byte for byte, so each carries the full settings; ``transforms.json`` names
    where they come from under ``qnerf.provenance``.

    Args:
        run_folder: A finished run.
        out: A new or empty folder, or one that holds an earlier export, which is replaced.

    Returns:
        The set, read again from the disk.

    Raises:
        RunError: The run is not finished.
        ExportError: The folder holds something else.
    """
    run, out = RunFolder(run_folder), Path(out)
    edited = run.load_edited()
    height, width = edited.shape[2:]
    if out.exists() and any(out.iterdir()) and not _is_export(out):
        raise ExportError(f"Cannot export to {out}", "it holds something else", "Choose a new or empty folder.")
    scene = load_run_scene(run.spec.scene)[0].subset(run.views)
    images = out / "images"
    if images.exists():
        shutil.rmtree(images)
    views = []
    for view in scene.views:
        path = images / f"{view.name}.png"
        files.write_bytes(path, run.edited_path(view.name).read_bytes())
        views.append(View(view.name, view.camera.scaled(width, height), path))
    prompt = run.info.get("prompt") or scene.prompt
    metadata = scene_metadata(replace(scene, name=f"{scene.name}, {run.spec.edit}", prompt=prompt))
    metadata["qnerf"]["provenance"] = provenance(run)
    write_transforms(views, out / FILE_NAME, extra=metadata)
    return read_transforms(out)


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
