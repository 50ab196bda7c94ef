"""Reading and writing files so that nothing is ever half-written."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from qnerf_core.errors import FileFormatError

_JPEG_QUALITY = 95


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on an error it is removed.

    The temporary file keeps the suffix, since many writers choose their format by it. The file and its folder are
    fsynced, so that after a power cut the old or the new content is there, never a mixture.

    Args:
        path: Final place; its folder is made when missing.

    Yields:
        The temporary path to write to (a file).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _fsync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    # Windows cannot open a folder; there the rename alone is as durable as it gets.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path` atomically.

    Args:
        path: Final place.
        data: The content.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path | str, obj: Any, indent: int | None = 1) -> None:
    """Write `obj` as JSON (UTF-8) to `path` atomically.

    Args:
        path: Final place.
        obj: What `json` can serialise; floats must be finite, for NaN and infinity are not JSON.
        indent: Spaces per level, None for one line.

    Raises:
        ValueError: A float is not finite.
    """
    text = json.dumps(obj, indent=indent, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path | str) -> Any:
    """Read a JSON file.

    Args:
        path: The file.

    Returns:
        The parsed value.

    Raises:
        FileFormatError: The file is missing, unreadable, not UTF-8 or not JSON (with the line).
    """
    path = Path(path)
    title = f"Cannot read {path}"
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise FileFormatError(title, "there is no such file", "Check the path.") from error
    except OSError as error:
        raise FileFormatError(title, error.strerror or str(error), "Check the path and its permissions.") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(title, "it is not UTF-8 text", "Save it as UTF-8 JSON.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FileFormatError(title, f"it is not valid JSON: {error.msg} at {where}", f"Correct {where}.") from error


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Args:
        path: The file.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_image(path: Path | str, array: np.ndarray, *, text: Mapping[str, str] | None = None) -> None:
    """Write an image atomically; the suffix of `path` chooses PNG or JPEG (quality 95, 4:4:4).

    Args:
        path: Final place, ending with `.png`, `.jpg` or `.jpeg`.
        array: uint8 (H, W, 3) RGB or (H, W) grey; for PNG also uint16 (H, W), as depth images need.
        text: Key and value pairs kept in the PNG as iTXt chunks.

    Raises:
        ValueError: The array's type or shape, the suffix, or text in a JPEG is not supported.
    """
    path = Path(path)
    colour = array.dtype == np.uint8 and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3))
    suffix = path.suffix.lower()
    if not colour and not (array.dtype == np.uint16 and array.ndim == 2 and suffix == ".png"):
        raise ValueError(f"cannot write an image of type {array.dtype} and shape {array.shape} as {suffix}")
    image = Image.fromarray(np.ascontiguousarray(array))
    if suffix == ".png":
        info = PngInfo()
        for key, value in (text or {}).items():
            info.add_itxt(key, value)
        options: dict[str, Any] = {"format": "PNG", "pnginfo": info}
    elif suffix in {".jpg", ".jpeg"} and not text:
        options = {"format": "JPEG", "quality": _JPEG_QUALITY, "subsampling": 0}
    else:
        raise ValueError(f"cannot write {path.name}: only PNG (with text) and JPEG (without) are supported")
    with atomic_path(path) as temporary:
        image.save(temporary, **options)


def read_image(path: Path | str) -> np.ndarray:
    """Read an image as RGB; an alpha channel is dropped, grey is repeated.

    Args:
        path: The file.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FileFormatError: The file is missing, truncated or not an image.
    """
    return read_raw_image(path, mode="RGB")


def read_raw_image(path: Path | str, mode: str | None = None) -> np.ndarray:
    """Read an image in the mode it is stored in, or converted to a Pillow mode.

    Args:
        path: The file.
        mode: Pillow mode to convert to (for example "RGB" or "L"); None keeps the file's own, such as 16-bit grey.

    Returns:
        (H, W) or (H, W, channels).

    Raises:
        FileFormatError: The file is missing, truncated or not an image.
    """
    path = Path(path)
    title = f"Cannot read the image {path}"
    try:
        with Image.open(path) as image:
            return np.array(image if mode is None else image.convert(mode))
    except FileNotFoundError as error:
        raise FileFormatError(title, "there is no such file", "Check the path.") from error
    # Pillow reports broken files by any of these, depending on the format and on where the damage is.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FileFormatError(title, f"it is damaged or not an image ({error})", "Replace the file.") from error


def image_size(path: Path | str) -> tuple[int, int]:
    """Return (width, height) of an image from its header, without decoding it.

    Args:
        path: The file.

    Raises:
        FileFormatError: The file is missing or not an image.
    """
    path = Path(path)
    title = f"Cannot read the image {path}"
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError as error:
        raise FileFormatError(title, "there is no such file", "Check the path.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FileFormatError(title, f"it is damaged or not an image ({error})", "Replace the file.") from error
