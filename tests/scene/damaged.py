"""Captures that are damaged in every way that was thought of.

`python -m tests.scene.damaged` writes what the user reads for each into docs/damaged-captures.md.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qnerf_core import files
from qnerf_core.scene.problems import CaptureReport
from qnerf_core.scene.validation import inspect_capture
from tests.scene.captures import HEIGHT, WIDTH, edit_frame, edit_json, look_at, write_capture

DOCUMENT = Path(__file__).parents[2] / "docs" / "damaged-captures.md"
_HEAD = """# Damaged captures

What somebody reads who opens a capture that is damaged, in the window's report, at `python main.py inspect CAPTURE`, or
as the error of a command. Written by `python -m tests.scene.damaged`; `tests/scene/test_damaged.py` makes every one of
these captures and compares. In brackets is what a button, or `--repair`, does about it without touching a file.
"""


@dataclass(frozen=True)
class Damage:
    """`break_it` makes a damaged capture in an empty folder."""

    title: str
    break_it: Callable[[Path], object]
    colmap: bool = False


def _frame(**changes: object) -> Callable[[Path], object]:
    def break_it(folder: Path) -> None:
        write_capture(folder, masks=False, heldout=())
        edit_frame(folder, 1, **changes)

    return break_it


def _top(**changes: object) -> Callable[[Path], object]:
    def break_it(folder: Path) -> None:
        write_capture(folder, masks=False, heldout=())
        edit_json(folder / "transforms.json", **changes)

    return break_it


def _picture(content: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def break_it(folder: Path) -> None:
        path = write_capture(folder, masks=False, heldout=())[1].image_path
        path.write_bytes(content(path.read_bytes()))

    return break_it


def _png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def _missing_picture(folder: Path) -> None:
    write_capture(folder, masks=False, heldout=())[1].image_path.unlink()


def _larger_picture(folder: Path) -> None:
    path = write_capture(folder, masks=False, heldout=())[1].image_path
    files.write_image(path, np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))


def _cut_json(folder: Path) -> None:
    write_capture(folder, masks=False, heldout=())
    path = folder / "transforms.json"
    path.write_text("\n".join(path.read_text().splitlines()[:12]))


def _frames_twice(folder: Path) -> None:
    write_capture(folder, masks=False, heldout=())
    edit_frame(folder, 2, file_path="images/001.png")


def _same_pictures(folder: Path) -> None:
    views = write_capture(folder, masks=False, heldout=())
    views[2].image_path.write_bytes(views[1].image_path.read_bytes())


def _one_place(folder: Path) -> None:
    views = write_capture(folder, 3, masks=False, heldout=())
    for index in range(3):
        edit_frame(folder, index, transform_matrix=views[0].camera.camera_to_world.tolist())


def _wrong_mask(folder: Path) -> None:
    mask = write_capture(folder, heldout=())[1].mask_path
    assert mask is not None
    files.write_image(mask, np.full((5, 9), 255, dtype=np.uint8))


def _on_its_side(folder: Path) -> None:
    views = write_capture(folder, masks=False, heldout=())
    turn = np.array([[40.0, 0, 0, 900], [0, 0, -40.0, 0], [0, 40.0, 0, 0], [0, 0, 0, 1]])
    for index, view in enumerate(views):
        matrix = turn @ view.camera.camera_to_world
        matrix[:3, :3] /= 40
        edit_frame(folder, index, transform_matrix=matrix.tolist())


def _wrong_capture_file(folder: Path) -> None:
    write_capture(folder, masks=False, heldout=())
    content = {
        "version": 1,
        "name": "toy",
        "prompt": "a toy",
        "bounds": [[0, 0, 0], [1, "x", 1]],
        "source_pose": "p.json",
    }
    files.write_json(folder / "capture.json", content)


def _blender(angle: object, *, pictures: bool = True) -> Callable[[Path], object]:
    def break_it(folder: Path) -> None:
        frames = []
        for index in range(3):
            if pictures or index != 1:
                random = np.random.default_rng(index)
                files.write_image(
                    folder / "train" / f"r_{index}.png", random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
                )
            matrix = look_at((3 * np.cos(index), 3 * np.sin(index), 1))
            frames.append({"file_path": f"./train/r_{index}", "transform_matrix": matrix.tolist()})
        files.write_json(folder / "transforms_train.json", {"camera_angle_x": angle, "frames": frames})

    return break_it


def write_model(folder: Path, *, pictures: bool = True) -> None:
    """A binary model of three views, as COLMAP 3 writes it."""
    model = folder / "sparse" / "0"
    model.mkdir(parents=True)
    lens = struct.pack("<IiQQdddd", 1, 1, WIDTH, HEIGHT, 30.0, 30.0, WIDTH / 2, HEIGHT / 2)
    (model / "cameras.bin").write_bytes(struct.pack("<Q", 1) + lens)
    images = struct.pack("<Q", 3)
    for index in range(3):
        half = 0.4 * index
        pose = (np.cos(half), 0.0, np.sin(half), 0.0, 0.0, 0.0, 3.0)
        images += struct.pack("<I7dI", index + 1, *pose, 1) + f"{index}.png".encode() + b"\0" + struct.pack("<Q", 0)
        if pictures:
            random = np.random.default_rng(index)
            pixels = random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            files.write_image(folder / "images" / f"{index}.png", pixels)
    (model / "images.bin").write_bytes(images)
    (model / "points3D.bin").write_bytes(struct.pack("<Q", 0))


def _model(name: str, content: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def break_it(folder: Path) -> None:
        write_model(folder)
        path = folder / "sparse" / "0" / name
        path.write_bytes(content(path.read_bytes()))

    return break_it


def _photos(folder: Path) -> None:
    for index in range(4):
        random = np.random.default_rng(index)
        files.write_image(folder / f"{index}.jpg", random.integers(0, 255, (60, 80, 3), dtype=np.uint8))


_MIRROR = (look_at((2.0, 0.0, 1.0)) @ np.diag([-1.0, 1.0, 1.0, 1.0])).tolist()
_SHEAR = (look_at((2.0, 0.0, 1.0)) @ np.diag([1.0, 1.1, 1.0, 1.0])).tolist()
_NAN = [[float("nan")] * 4 for _ in range(4)]

DAMAGES = (
    Damage("A picture that was cut off", _picture(lambda data: data[:300])),
    Damage("A picture that is a text", _picture(lambda _: b"this is no picture")),
    Damage("A picture that is missing", _missing_picture),
    Damage("A picture that claims to be gigantic", _picture(lambda _: _png_of(60_000, 60_000))),
    Damage("A picture that would need too much memory", _picture(lambda _: _png_of(12_500, 10_000))),
    Damage("A picture of another size than its camera", _larger_picture),
    Damage("A path that leaves the folder", _frame(file_path="../../etc/passwd.png")),
    Damage("A path from the root", _frame(file_path="/etc/passwd.png")),
    Damage("A path that is a number", _frame(file_path=7)),
    Damage("A pose of NaN", _frame(transform_matrix=_NAN)),
    Damage("A pose of texts", _frame(transform_matrix=[["1"] * 4] * 4)),
    Damage("A pose that shears", _frame(transform_matrix=_SHEAR)),
    Damage("A pose that mirrors", _frame(transform_matrix=_MIRROR)),
    Damage("A focal length below zero", _frame(fl_x=-30)),
    Damage("Gigantic dimensions", _frame(w=10**9, h=10**9)),
    Damage("A lens that is not known", _frame(camera_model="EQUIRECTANGULAR")),
    Damage("Distortion that is a text", _frame(k1="a little")),
    Damage("Two frames of one picture", _frames_twice),
    Damage("Two pictures that are the same", _same_pictures),
    Damage("All cameras at one place", _one_place),
    Damage("A mask of another size", _wrong_mask),
    Damage("A world on its side, in another unit", _on_its_side),
    Damage("JSON that was cut off", _cut_json),
    Damage("Frames that are no list", _top(frames={"0": {}})),
    Damage("Sparse points that are missing", _top(ply_file_path="sparse.ply")),
    Damage("A capture.json with a text for a number", _wrong_capture_file),
    Damage("An empty folder", lambda folder: folder.mkdir(exist_ok=True)),
    Damage("Blender's file without an angle", _blender("wide")),
    Damage("Blender's file, and a picture is missing", _blender(0.7, pictures=False)),
    Damage("COLMAP's model without its pictures", lambda folder: write_model(folder, pictures=False), colmap=True),
    Damage("COLMAP's model, cut off", _model("images.bin", lambda data: data[: len(data) // 2]), colmap=True),
    Damage("COLMAP's model with a wrong count", _model("points3D.bin", lambda _: b"\xff" * 80), colmap=True),
    Damage(
        "COLMAP's model with a lens of no kind",
        _model("cameras.bin", lambda data: data[:12] + struct.pack("<i", 99) + data[16:]),
        colmap=True,
    ),
    Damage(
        "COLMAP's model with a pose of NaN",
        _model("images.bin", lambda data: data[:44] + struct.pack("<d", float("nan")) + data[52:]),
        colmap=True,
    ),
    Damage("Photos whose cameras nobody knows", _photos),
)


def report_of(damage: Damage, place: Path) -> CaptureReport:
    place.mkdir()
    damage.break_it(place)
    return inspect_capture(place)


def section(damage: Damage, report: CaptureReport, place: Path) -> str:
    """What the user reads, with the place of the capture taken out."""
    lines = []
    for problem in report.problems:
        repair = f" [{problem.repair.label}]" if problem.repair else ""
        lines.append(f"{problem}{repair}".replace(str(place), "toy"))
    return "\n".join([f"## {damage.title}", "", *(f"    {line}" for line in lines), ""])


def main() -> None:
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["QNERF_HOME"] = str(Path(folder) / "home")
        for number, damage in enumerate(DAMAGES):
            place = Path(folder) / str(number) / "toy"
            place.parent.mkdir()
            sections.append(section(damage, report_of(damage, place), place))
    files.write_bytes(DOCUMENT, "\n".join([_HEAD, *sections]).encode())


if __name__ == "__main__":
    main()
