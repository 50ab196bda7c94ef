"""A plain folder of photos: its cameras are found by COLMAP's structure from motion, in a child process."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import ExifTags, Image

from qnerf_core import files
from qnerf_core.errors import Cancelled, CaptureError, FileFormatError
from qnerf_core.scene.capture_settings import CaptureSettings, captures_folder, source_key
from qnerf_core.scene.child import Progress, run_child
from qnerf_core.scene.colmap import parse_colmap, reconstruction_summary, sparse_models
from qnerf_core.scene.pictures import SUFFIXES, decode, read_header, turned
from qnerf_core.scene.problems import Problem
from qnerf_core.scene.raw import RawCapture, SparseModel

_FEWEST = 3
_LONGEST_SIDE = 1600
_SUBFOLDERS = ("", "images", "input")


@dataclass(frozen=True)
class MatchReport:
    """What structure from motion made of a folder of photos.

    Attributes:
        total: Photos in the folder.
        registered: Of them got a camera in the largest model.
        unreadable: Photos that could not be decoded, with the reason.
        missing: Photos without a camera.
        points: Sparse points.
        error: Mean reprojection error, pixels of photos of at most 1600 pixels.
        models: All models found, the largest first.
    """

    total: int
    registered: int
    unreadable: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    points: int
    error: float | None
    models: tuple[SparseModel, ...]

    def __str__(self) -> str:
        error = "" if self.error is None else f", {self.error:.2f} px reprojection error"
        return f"{self.registered} of {self.total} photos got a camera{error}, {self.points} points"


def photo_paths(folder: Path) -> list[Path]:
    """List the photos of a folder, or of its `images` or `input`.

    Args:
        folder: Any.
    """
    for place in _SUBFOLDERS:
        base = folder / place
        if base.is_dir():
            found = sorted(
                path for path in base.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
            )
            if found:
                return found
    return []


def work_folder(folder: Path) -> Path:
    """Return where the cameras of a folder of photos are kept; other photos in it mean another place.

    Args:
        folder: Of the photos.
    """
    stamp = hashlib.sha256()
    for path in photo_paths(folder):
        state = path.stat()
        stamp.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return captures_folder() / "photos" / f"{source_key(folder)}-{stamp.hexdigest()[:12]}"


def find_cameras(
    folder: Path | str, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> MatchReport:
    """Find the cameras of a folder of photos; they are kept, so that the folder opens as a capture from then on.

    Args:
        folder: Of the photos.
        progress: Told of every step.
        cancelled: Asked ten times a second while `pycolmap` works.

    Returns:
        What was matched.

    Raises:
        CaptureError: There are too few photos, no model was found, or `pycolmap` is not installed.
        Cancelled: It was cancelled; nothing is kept.
    """
    folder = Path(os.path.abspath(folder))
    title = f"Cannot find the cameras of {folder}"
    paths = photo_paths(folder)
    if len(paths) < _FEWEST:
        raise CaptureError(title, f"it holds {len(paths)} photos", "Take at least 20 photos around the subject.")
    final = work_folder(folder)
    work = final.with_name(f".{final.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    (work / "images").mkdir(parents=True)
    try:
        unreadable = _copy_upright(paths, work, progress, cancelled)
        failure = run_child("match", work / "images", work, progress, cancelled)
        if failure is not None:
            raise CaptureError(title, f"pycolmap failed: {failure}", "Check the photos, or run COLMAP yourself.")
        models = sparse_models(work)
        if not models:
            raise CaptureError(
                title,
                f"the {len(paths)} photos do not show enough of the same to be matched",
                "Take sharper photos that overlap by two thirds, of something with texture.",
            )
        report = _report(paths, work, models, unreadable)
        shutil.rmtree(work / "images")
        (work / "database.db").unlink()
        shutil.rmtree(final, ignore_errors=True)
        os.replace(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return report


def parse_photos(folder: Path, settings: CaptureSettings, cancelled: Callable[[], bool] | None = None) -> RawCapture:
    """Read a folder of photos whose cameras were found.

    Args:
        folder: Of the photos.
        settings: Frames to skip, and which model.
        cancelled: Asked while `pycolmap` reads.

    Raises:
        Cancelled: It was.
    """
    folder = Path(os.path.abspath(folder))
    paths = photo_paths(folder)
    work = work_folder(folder)
    if not work.is_dir():
        step = f'Find them in the window, or with: python main.py inspect "{folder}" --find-cameras'
        problem = Problem("error", "capture", f"the cameras of its {len(paths)} photos are not known yet", step)
        return RawCapture("photos", folder.name, folder, (), (problem,), upright=False)
    if len(paths) < _FEWEST:
        problem = Problem("error", "capture", f"it holds only {len(paths)} photos", "Take at least 20.")
        return RawCapture("photos", folder.name, folder, (), (problem,), upright=False)
    found = parse_colmap(work, settings, work / "images", cancelled)
    by_stem = {f"{path.name}.jpg": path for path in paths}
    views = []
    for view in found.views:
        path = by_stem[view.image_path.name]
        if path.name in settings.skip:
            continue
        width, height = read_header(path).upright_size
        lens = view.lens
        across, down = width / lens.width, height / lens.height
        lens = replace(
            lens,
            fx=lens.fx * across,
            fy=lens.fy * down,
            cx=lens.cx * across,
            cy=lens.cy * down,
            width=width,
            height=height,
        )
        views.append(replace(view, key=path.name, name=path.stem, image_path=path, lens=lens, turned=True))
    placed = {view.key for view in views} | set(settings.skip)
    left = [path.name for path in paths if path.name not in placed]
    problems = list(found.problems)
    if left:
        shown = ", ".join(left[:5]) + (" ..." if len(left) > 5 else "")
        what = f"{len(left)} of {len(paths)} photos got no camera ({shown}) and are left out"
        problems.append(Problem("warning", "capture", what, "Take photos between them and their neighbours."))
    stems = {view.name for view in views}
    named = views if len(stems) == len(views) else [replace(view, name=view.key) for view in views]
    return replace(found, kind="photos", name=folder.name, root=folder, views=tuple(named), problems=tuple(problems))


def _copy_upright(
    paths: list[Path], work: Path, progress: Progress | None, cancelled: Callable[[], bool] | None
) -> tuple[tuple[str, str], ...]:
    """Copies that COLMAP understands: upright, 8 bits, not too large, with what EXIF says of the lens."""
    unreadable = []
    names = []
    for index, path in enumerate(paths):
        if cancelled is not None and cancelled():
            raise Cancelled("The search for cameras is stopped", "nothing was changed", "Start it again any time.")
        try:
            orientation = read_header(path).orientation
            pixels = turned(decode(path, _LONGEST_SIDE)[0], orientation)
        except FileFormatError as error:
            unreadable.append((path.name, error.cause))
            continue
        image = Image.fromarray(pixels)
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
        with Image.open(path) as original:
            exif = original.getexif()
        exif[ExifTags.Base.Orientation] = 1
        name = f"{path.name}.jpg"
        image.save(work / "images" / name, quality=95, exif=exif)
        names.append(name)
        if progress is not None:
            progress("Reading photos", index + 1, len(paths))
    files.write_json(work / "images.json", names)
    return tuple(unreadable)


def _report(
    paths: list[Path], work: Path, models: tuple[SparseModel, ...], unreadable: tuple[tuple[str, str], ...]
) -> MatchReport:
    best = reconstruction_summary(work / models[0].name)
    found = parse_colmap(work, CaptureSettings(), work / "images")
    placed = {view.image_path.name.removesuffix(".jpg") for view in found.views}
    missing = tuple(path.name for path in paths if path.name not in placed)
    return MatchReport(len(paths), best.images, unreadable, missing, best.points, best.error, models)
