from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qnerf_core import files
from qnerf_core.errors import FileFormatError


def test_atomic_path_replaces_only_when_it_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "result.txt"
    with files.atomic_path(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "first"

    def fail_half_way() -> None:
        with files.atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "first"
    assert [entry.name for entry in path.parent.iterdir()] == ["result.txt"]


def test_json_round_trip_and_broken_json_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    value = {"π": [1, 2.5, 0.1 + 0.2, None, "x"]}
    files.write_json(path, value)
    assert files.read_json(path) == value
    with pytest.raises(ValueError, match="Out of range float"):
        files.write_json(path, {"psnr": float("inf")})
    assert files.read_json(path) == value
    path.write_text('{"a": 1,\n "b": }')
    with pytest.raises(FileFormatError) as caught:
        files.read_json(path)
    assert str(path) in str(caught.value)
    assert "line 2" in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_missing_or_binary_json_is_an_error_for_people(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"a\.json"):
        files.read_json(path)


def test_sha256(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "a", b"abc")
    assert files.sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_png_is_exact_and_carries_text(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    files.write_image(tmp_path / "a.png", pixels, text={"settings": '{"prompt": "größer"}'})
    np.testing.assert_array_equal(files.read_image(tmp_path / "a.png"), pixels)
    with Image.open(tmp_path / "a.png") as image:
        assert image.text["settings"] == '{"prompt": "größer"}'
    assert files.image_size(tmp_path / "a.png") == (7, 5)


def test_jpeg_keeps_full_colour_resolution(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[:, ::2] = (255, 0, 0)
    pixels[:, 1::2] = (0, 0, 255)
    files.write_image(tmp_path / "a.jpg", pixels)
    error = np.abs(files.read_image(tmp_path / "a.jpg").astype(int) - pixels).mean()
    assert error < 12  # 4:2:0 would blend red and blue to purple: an error of about 85


def test_sixteen_bit_grey_and_unsupported_arrays(tmp_path: Path) -> None:
    depth = np.array([[0, 1], [300, 65535]], dtype=np.uint16)
    files.write_image(tmp_path / "d.png", depth)
    np.testing.assert_array_equal(files.read_raw_image(tmp_path / "d.png"), depth)
    for name, array, text in [
        ("d.jpg", depth, None),
        ("f.png", np.zeros((2, 2, 3), dtype=np.float32), None),
        ("c.bmp", np.zeros((2, 2, 3), dtype=np.uint8), None),
        ("t.jpg", np.zeros((2, 2, 3), dtype=np.uint8), {"a": "b"}),
    ]:
        with pytest.raises(ValueError, match="cannot write"):
            files.write_image(tmp_path / name, array, text=text)
        assert not (tmp_path / name).exists()


def test_truncated_picture_is_an_error_for_people(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    files.write_image(path, np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(FileFormatError, match="damaged"):
        files.read_image(path)
    path.write_text("not an image")
    with pytest.raises(FileFormatError, match="damaged"):
        files.image_size(path)
    with pytest.raises(FileFormatError, match="no such file"):
        files.read_image(tmp_path / "b.png")
