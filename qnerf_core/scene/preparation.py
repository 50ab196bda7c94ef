"""Prepared copies of captures: undistorted, resized, upright, in the found frame; what was done can be undone.

A copy lies in `captures/prepared/<digest>/<name>/` of the program's data: `transforms.json`, `images/`, perhaps
`masks/`, `depth/`, and `points.npz` (sparse points in the found frame). Its digest covers the capture's files and the
settings, so a copy never changes. Pictures are read one at a time: memory does not grow with their number.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qnerf_core import __version__, files
from qnerf_core.errors import Cancelled, CaptureError, FileFormatError
from qnerf_core.scene.box_masks import box_mask
from qnerf_core.scene.camera import Camera
from qnerf_core.scene.capture_settings import CaptureSettings, captures_folder
from qnerf_core.scene.child import Progress
from qnerf_core.scene.frame import apply_frame, find_frame, frame_scale, scene_bounds, transformed
from qnerf_core.scene.framing import PicturePlan, decoding_side, final_picture, plan_pictures, whole_picture
from qnerf_core.scene.nerfstudio import write_transforms
from qnerf_core.scene.pictures import Header, decode, read_header
from qnerf_core.scene.problems import raise_first_error
from qnerf_core.scene.raw import RawCapture, RawView
from qnerf_core.scene.scene import MILLIMETRES, View, write_depth
from qnerf_core.scene.transforms_parser import FILE_NAME

POINTS_FILE = "points.npz"
_VERSION = 1


def needs_preparation(raw: RawCapture, headers: Sequence[Header], settings: CaptureSettings) -> bool:
    """Tell whether a capture cannot be used as its files are.

    Args:
        raw: The capture.
        headers: Of its pictures.
        settings: Of the capture.
    """
    if raw.kind != "nerfstudio" or settings != CaptureSettings():
        return True
    if raw.own:
        return False
    sizes = {(view.lens.width, view.lens.height) for view in raw.views}
    return (
        len(sizes) > 1
        or max(max(size) for size in sizes) > settings.longest_side
        or any(not view.lens.is_pinhole for view in raw.views)
        or any(not header.plain or header.orientation != 1 for header in headers)
    )


def read_headers(raw: RawCapture) -> list[Header]:
    """Read what the files of a capture's pictures say about them.

    Args:
        raw: The capture.

    Raises:
        FileFormatError: A picture is missing, no image, or too large.
    """
    return [read_header(view.image_path) for view in raw.views]


def prepare_capture(
    raw: RawCapture,
    settings: CaptureSettings,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Make the prepared copy of a capture, or find the one made earlier.

    Args:
        raw: The capture.
        settings: Of the capture.
        progress: Told of every picture.
        cancelled: Asked before every picture.

    Returns:
        Folder of the copy.

    Raises:
        CaptureError: The capture has errors, or a picture has not the size that its camera says.
        FileFormatError: A picture is damaged.
        Cancelled: It was cancelled; nothing is kept.
    """
    title = f"Cannot use the capture {raw.root}"
    raise_first_error(title, raw.problems)
    if not raw.views:
        raise CaptureError(title, "it has no pictures", "Choose another folder.")
    place = captures_folder() / "prepared" / _digest(raw, settings)
    final = place / _plain_name(raw.name)
    if (final / FILE_NAME).is_file():
        return final
    headers = read_headers(raw)
    for view, header in zip(raw.views, headers, strict=True):
        size = (view.lens.width, view.lens.height)
        if size not in ((header.width, header.height), header.upright_size):
            what = f"its picture has {header.width}x{header.height} pixels, its camera {size[0]}x{size[1]}"
            raise CaptureError(title, f"{view.key}: {what}", "Correct the intrinsics or resize the picture.")
    work = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    try:
        _write(raw, plan_pictures(raw.views, headers, settings), settings, work, progress, cancelled)
        place.mkdir(parents=True, exist_ok=True)
        if final.exists():
            return final
        os.replace(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final


def chosen_frame(raw: RawCapture, settings: CaptureSettings) -> np.ndarray:
    """Return the similarity from a capture's own frame to the one it is shown in.

    Args:
        raw: The capture.
        settings: Of the capture.

    Returns:
        (4, 4) float64; the identity where the capture's own is kept.
    """
    mode = settings.frame.mode
    if mode == "keep" or (mode == "auto" and raw.upright):
        return np.eye(4)
    return find_frame([view.camera for view in raw.views], raw.points, settings.frame)


def _write(
    raw: RawCapture,
    plans: list[PicturePlan],
    settings: CaptureSettings,
    work: Path,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    frame = chosen_frame(raw, settings)
    points = None if raw.points is None else apply_frame(frame, raw.points)
    cameras = [transformed(plan.camera, frame) for plan in plans]
    region = None if settings.region is None else np.array(settings.region)
    views = []
    entries: dict[str, Any] = {}
    for index, (view, plan, camera) in enumerate(zip(raw.views, plans, cameras, strict=True)):
        if cancelled is not None and cancelled():
            raise Cancelled("Opening is stopped", "nothing was kept", "Open the capture again any time.")
        name = view.name if "/" not in view.name else _plain_name(view.name)
        mask = None if view.mask_path is not None else _drawn_mask(settings, name, camera)
        if mask is None and region is not None and view.mask_path is None:
            mask = box_mask(camera, region, points)
        views.append(_write_view(view, plan, camera, name, work, settings, mask, frame_scale(frame)))
        upright = plan.upright
        entries[name] = {
            "key": view.key,
            "camera_to_world": view.camera_to_world.tolist(),
            "quarters": plan.quarters,
            "offset": list(plan.offset),
            "size": [camera.width, camera.height],
            "intrinsics": [upright.fx, upright.fy, upright.cx, upright.cy, upright.width, upright.height],
        }
        if progress is not None:
            progress("Preparing pictures", index + 1, len(plans))
    bounds = _bounds(raw, frame, cameras, points)
    own: dict[str, Any] = {
        "name": raw.name,
        "prompt": settings.prompt if settings.prompt is not None else raw.prompt,
        "origin": {
            "kind": raw.kind,
            "source": str(raw.root),
            "frame": frame.tolist(),
            "settings": settings.model_dump(mode="json"),
            "carried": dict(raw.carried),
            "views": entries,
        },
    }
    if bounds is not None:
        own["bounds"] = bounds.tolist()
    if region is not None:
        own["region"] = region.tolist()
    if points is not None:
        with files.atomic_path(work / POINTS_FILE) as temporary:
            np.savez_compressed(temporary, points=points.astype(np.float32))
    write_transforms(views, work / FILE_NAME, extra={"qnerf": own})


def _write_view(
    view: RawView,
    plan: PicturePlan,
    camera: Camera,
    name: str,
    work: Path,
    settings: CaptureSettings,
    found_mask: np.ndarray | None,
    scale: float,
) -> View:
    pixels, alpha = decode(view.image_path, decoding_side(plan), settings.background)
    # What was compressed once may be compressed again; what was not stays exact.
    suffix = ".jpg" if view.image_path.suffix.lower() in (".jpg", ".jpeg") else ".png"
    image_path = work / "images" / f"{name}{suffix}"
    files.write_image(image_path, final_picture(whole_picture(pixels, plan), plan))
    mask = found_mask
    if view.mask_path is not None:
        mask = _flat(_sized(files.read_raw_image(view.mask_path, mode="L"), view, view.mask_path), plan)
    elif alpha is not None and mask is None:
        mask = _flat(alpha, plan)
    mask_path = depth_path = None
    if mask is not None:
        mask_path = work / "masks" / f"{name}.png"
        files.write_image(mask_path, np.where(mask > 127, 255, 0).astype(np.uint8))
    if view.depth_path is not None:
        depth = _sized(files.read_raw_image(view.depth_path), view, view.depth_path)
        if depth.ndim != 2 or depth.dtype.itemsize < 2:
            raise FileFormatError(
                f"Cannot read the depth {view.depth_path}",
                "it is not a 16-bit grey PNG",
                "Store millimetres in 16 bits.",
            )
        depth_path = work / "depth" / f"{name}.png"
        nearest = final_picture(whole_picture(depth.astype(np.int32), plan, smooth=False), plan)
        write_depth(depth_path, nearest * (scale / MILLIMETRES))
    return View(name, camera, image_path, mask_path, depth_path, view.heldout)


def _drawn_mask(settings: CaptureSettings, name: str, camera: Camera) -> np.ndarray | None:
    path = Path(settings.masks) / f"{name}.png" if settings.masks is not None else None
    if path is None or not path.is_file():
        return None
    mask = files.read_raw_image(path, mode="L")
    # Of pictures of another size or shape, since chosen, they say nothing.
    return mask if mask.shape == (camera.height, camera.width) else None


def _flat(values: np.ndarray, plan: PicturePlan) -> np.ndarray:
    return final_picture(whole_picture(values, plan), plan)


def _sized(pixels: np.ndarray, view: RawView, path: Path) -> np.ndarray:
    size = (view.lens.width, view.lens.height)
    if pixels.shape[1::-1] not in (size, size[::-1]):
        raise CaptureError(
            f"{path} has the wrong size",
            f"it has {pixels.shape[1]}x{pixels.shape[0]} pixels, its camera {size[0]}x{size[1]}",
            "Correct the intrinsics or resize the picture.",
        )
    return pixels


def _bounds(
    raw: RawCapture, frame: np.ndarray, cameras: Sequence[Camera], points: np.ndarray | None
) -> np.ndarray | None:
    if raw.bounds is not None:
        corners = np.stack(np.meshgrid(*raw.bounds.T, indexing="ij"), axis=-1).reshape(-1, 3)
        moved = apply_frame(frame, corners)
        return np.stack([moved.min(axis=0), moved.max(axis=0)])
    if (frame == np.eye(4)).all() and points is None:
        return None
    return scene_bounds(cameras, points)


def _digest(raw: RawCapture, settings: CaptureSettings) -> str:
    stamp = hashlib.sha256(f"{_VERSION} {__version__} {raw.kind} {raw.root}".encode())
    stamp.update(settings.model_dump_json().encode())
    for view in raw.views:
        stamp.update(f"{view.key} {view.lens} {view.heldout} {view.turned}".encode())
        stamp.update(view.camera_to_world.tobytes())
        for path in (view.image_path, view.mask_path, view.depth_path):
            if path is not None and path.is_file():
                state = path.stat()
                stamp.update(f"{path} {state.st_size} {state.st_mtime_ns}".encode())
    if raw.points is not None:
        stamp.update(np.ascontiguousarray(raw.points).tobytes())
    return stamp.hexdigest()[:16]


def _plain_name(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name).strip(". ")
    return kept or "capture"
