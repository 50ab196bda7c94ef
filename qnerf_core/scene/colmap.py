"""Reading COLMAP's sparse models, binary and text, through `pycolmap` in a child process."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qnerf_core import files
from qnerf_core.errors import FileFormatError
from qnerf_core.scene.capture_settings import CaptureSettings, captures_folder
from qnerf_core.scene.child import run_child
from qnerf_core.scene.json_values import unique_names
from qnerf_core.scene.lens import Lens
from qnerf_core.scene.problems import Problem, Repair
from qnerf_core.scene.raw import RawCapture, RawView, SparseModel

_PLACES = ("", "sparse", "colmap/sparse", "dense/sparse", "colmap", "text", "distorted/sparse")
_PICTURE_FOLDERS = ("images", "../images", "../../images", "../../../images", "", "..", "../..", "input")
_MASK_FOLDERS = ("masks", "../masks", "../../masks")
# Of a record in a binary file.
_LEAST_BYTES = {"cameras": 48, "images": 73, "points3D": 51}
_COMPUTER_VISION_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
# Order of the distortion in COLMAP's lists of parameters, after the focal lengths and the principal point.
_PERSPECTIVE = {
    "SIMPLE_PINHOLE": (1, ()),
    "PINHOLE": (2, ()),
    "SIMPLE_RADIAL": (1, ("k1",)),
    "RADIAL": (1, ("k1", "k2")),
    "OPENCV": (2, ("k1", "k2", "p1", "p2")),
    "FULL_OPENCV": (2, ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")),
}
_FISHEYE = {
    "OPENCV_FISHEYE": (2, ("k1", "k2", "k3", "k4")),
    "SIMPLE_RADIAL_FISHEYE": (1, ("k1",)),
    "RADIAL_FISHEYE": (1, ("k1", "k2")),
}


def sparse_models(folder: Path) -> tuple[SparseModel, ...]:
    """List the sparse models in a folder, that with most pictures first.

    The counts are those in the files' own headers; nothing else is read.

    Args:
        folder: Of a capture, or of a model itself.
    """
    found: dict[str, SparseModel] = {}
    for place in _PLACES:
        base = folder / place
        if not base.is_dir():
            continue
        for candidate in (base, *sorted(entry for entry in base.iterdir() if entry.is_dir())):
            name = candidate.relative_to(folder).as_posix()
            if _is_model(candidate) and name not in found:
                found[name] = SparseModel(name, _count(candidate, "images"), _count(candidate, "points3D"))
    return tuple(sorted(found.values(), key=lambda model: (-model.images, model.name)))


def parse_colmap(
    folder: Path,
    settings: CaptureSettings,
    pictures: Path | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> RawCapture:
    """Read a sparse model and collect what is wrong instead of stopping at it.

    Args:
        folder: Of a capture, or of a model itself.
        settings: Which model, and frames to skip.
        pictures: Folder that the names of pictures are relative to; None = found.
        cancelled: Asked while `pycolmap` reads.

    Raises:
        CaptureError: `pycolmap` is missing.
        Cancelled: It was.
    """
    folder = Path(os.path.abspath(folder))
    models = sparse_models(folder)
    chosen = next((model for model in models if model.name == settings.model), None)
    problems: list[Problem] = []
    if settings.model is not None and chosen is None:
        names = ", ".join(model.name for model in models)
        problems.append(_problem(settings.model, "there is no such sparse model", f"Choose one of: {names}."))
    chosen = chosen or models[0]
    models = (chosen, *(model for model in models if model is not chosen))
    try:
        content, points = _read_model(folder / chosen.name, cancelled)
    except FileFormatError as error:
        repair = Repair("model", models[1].name) if len(models) > 1 else None
        problems.append(_problem(chosen.name, error.cause, error.next_step, repair))
        return RawCapture("colmap", folder.name, folder, (), tuple(problems), models=models, upright=False)
    if len(models) > 1 and settings.model is None:
        others = ", ".join(str(model) for model in models[1:])
        step = f"Or choose another: {others}."
        repair = Repair("model", models[1].name)
        problems.append(Problem("warning", "capture", f"it holds {len(models)} models; {chosen} is used", step, repair))
    views = _views(folder, chosen.name, content, settings, problems, pictures)
    points = points[np.isfinite(points).all(axis=1)]
    return RawCapture(
        "colmap",
        folder.name,
        folder,
        views,
        tuple(problems),
        points if len(points) else None,
        models=models,
        upright=False,
    )


def reconstruction_summary(model: Path) -> SparseModel:
    """Tell what a reconstruction found.

    Args:
        model: Its folder.

    Raises:
        FileFormatError: It is damaged.
        CaptureError: `pycolmap` is missing.
    """
    content, points = _read_model(model)
    return SparseModel(model.name, len(content["images"]), len(points), content["error"])


def _views(
    folder: Path,
    model: str,
    content: dict[str, Any],
    settings: CaptureSettings,
    problems: list[Problem],
    pictures: Path | None,
) -> tuple[RawView, ...]:
    images = sorted(content["images"], key=lambda image: str(image["name"]))
    if not images:
        problems.append(_problem(model, "it holds no picture with a pose", "Run COLMAP's mapper again."))
        return ()
    names = [str(image["name"]) for image in images]
    base = pictures or _picture_folder(folder, folder / model, names)
    if base is None:
        what = f"none of its {len(names)} pictures was found (the first is {names[0]})"
        problems.append(_problem(model, what, "Put them into a folder named images beside the model's."))
        return ()
    masks = next((base / place for place in _MASK_FOLDERS if (base / place).is_dir()), base / "masks")
    doubled = {name for name, count in Counter(names).items() if count > 1}
    lenses: dict[str, Lens | str] = {number: _lens(camera) for number, camera in content["cameras"].items()}
    views: list[RawView] = []
    for image, name in zip(images, names, strict=True):
        if name in settings.skip:
            continue
        skip = Repair("skip", name)
        path = Path(os.path.normpath(base / name))
        lens = lenses.get(str(image["camera"]), "its camera is missing")
        pose = np.vstack([np.array(image["cam_from_world"], dtype=np.float64), [0.0, 0.0, 0.0, 1.0]])
        if Path(name).is_absolute() or not path.is_relative_to(base):
            step = "Move the picture into the folder and correct the model."
            problems.append(_problem(name, "its name leaves the folder of the pictures", step, skip))
        elif name in doubled:
            problems.append(_problem(name, "two frames name the same picture", "Remove one of them.", skip))
        elif isinstance(lens, str):
            problems.append(_problem(name, lens, "Undistort with COLMAP's image_undistorter first.", skip))
        elif not np.isfinite(pose).all() or abs(np.linalg.det(pose[:3, :3]) - 1) > 1e-3:
            problems.append(_problem(name, "its pose is not finite, or no rotation", "Run COLMAP again.", skip))
        else:
            matrix = np.linalg.inv(pose) @ _COMPUTER_VISION_TO_OPENGL
            views.append(RawView(name, name, path, lens, matrix, _mask(masks, name)))
    short = unique_names([view.image_path for view in views], [view.key for view in views])
    return tuple(
        RawView(view.key, name, view.image_path, view.lens, view.camera_to_world, view.mask_path)
        for view, name in zip(views, short, strict=True)
    )


def _lens(camera: dict[str, Any]) -> Lens | str:
    model, params = camera["model"], camera["params"]
    known = {**_PERSPECTIVE, **_FISHEYE}.get(model)
    width, height = int(camera["width"]), int(camera["height"])
    if known is None:
        return f"its camera model {model} is not supported"
    focals, names = known
    if len(params) != focals + 2 + len(names) or not np.isfinite(params).all() or min(params[:focals]) <= 0:
        return f"its {model} camera has wrong parameters"
    if not (0 < width <= 65_535 and 0 < height <= 65_535):
        return f"its camera says {width}x{height} pixels"
    k = dict(zip(names, params[focals + 2 :], strict=True))
    fx, fy = params[0], params[focals - 1]
    cx, cy = params[focals : focals + 2]
    radial = tuple(k.get(name, 0.0) for name in ("k1", "k2", "k3"))
    if model in _FISHEYE:
        return Lens(fx, fy, cx, cy, width, height, "fisheye", (*radial, k.get("k4", 0.0)))
    divisor = tuple(k.get(name, 0.0) for name in ("k4", "k5", "k6"))
    tangential = (k.get("p1", 0.0), k.get("p2", 0.0))
    return Lens(fx, fy, cx, cy, width, height, "perspective", (*radial, 0.0), divisor, tangential)


def _picture_folder(folder: Path, model: Path, names: Sequence[str]) -> Path | None:
    tried = [Path(os.path.normpath(start / place)) for start in (folder, model) for place in _PICTURE_FOLDERS]
    # The folder that holds most of a few of them: some may be missing.
    sample = names[:: max(1, len(names) // 12)]
    counts = [sum((place / name).is_file() for name in sample) for place in tried]
    best = max(counts)
    return tried[counts.index(best)] if best else None


def _mask(folder: Path, name: str) -> Path | None:
    tried = (folder / f"{name}.png", (folder / name).with_suffix(".png"), folder / name)
    return next((path for path in tried if path.is_file()), None)


def _is_model(folder: Path) -> bool:
    return any(
        all((folder / f"{name}{suffix}").is_file() for name in ("cameras", "images")) for suffix in (".bin", ".txt")
    )


def _claimed(binary: Path) -> int:
    """How many records a binary file says that it holds."""
    with binary.open("rb") as file:
        head = file.read(8)
    return int(struct.unpack("<Q", head)[0]) if len(head) == 8 else 0


def _check_counts(model: Path) -> None:
    # pycolmap takes a count at its word, and minutes or all the memory to find out.
    for name, least in _LEAST_BYTES.items():
        path = model / f"{name}.bin"
        if path.is_file() and 8 + _claimed(path) * least > path.stat().st_size:
            what = f"{path.name} says that it holds {_claimed(path)} records, and is too small for them"
            raise FileFormatError(f"Cannot read the model {model}", what, "Copy it again, or run COLMAP again.")


def _count(model: Path, name: str) -> int:
    binary, text = model / f"{name}.bin", model / f"{name}.txt"
    if binary.is_file():
        count = _claimed(binary)
        return count if 8 + count * _LEAST_BYTES[name] <= binary.stat().st_size else 0
    if not text.is_file():
        return 0
    with text.open(errors="replace") as lines:
        count = sum(1 for line in lines if not line.startswith("#"))
    return count // 2 if name == "images" else count


def _read_model(model: Path, cancelled: Callable[[], bool] | None = None) -> tuple[dict[str, Any], np.ndarray]:
    stamp = hashlib.sha256(os.path.abspath(model).encode())
    for path in sorted(model.glob("*.*")):
        stamp.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    kept = captures_folder() / "models" / f"{stamp.hexdigest()[:24]}.npz"
    _check_counts(model)
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "model.json"
            failure = run_child("read", model, out, cancelled=cancelled)
            if failure is not None:
                # What pycolmap says of damage ("unordered_map::at") helps nobody.
                what = "pycolmap cannot read it: a file of it is damaged, cut off, or of another model"
                raise FileFormatError(f"Cannot read the model {model}", what, "Copy it again, or run COLMAP again.")
            points = np.load(out.with_suffix(".npz"))["points"]
            with files.atomic_path(kept) as temporary:
                np.savez(temporary, content=np.array(out.read_text()), points=points)
    with np.load(kept) as record:
        return json.loads(str(record["content"])), record["points"]


def _problem(where: str, what: str, next_step: str, repair: Repair | None = None) -> Problem:
    return Problem("error", where, what, next_step, repair)
