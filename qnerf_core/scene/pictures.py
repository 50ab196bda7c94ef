"""Decoding photos one at a time, whatever they are: turned, transparent, of 16 bits, very large."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from qnerf_core.errors import FileFormatError

DECODE_LIMIT = 640 * 2**20
"""Bytes that decoding one picture may take; what needs more is refused before it is decoded."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".ppm"})

_UPRIGHT = 1
_TURNS: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Header:
    """What a picture's file says about it without being decoded.

    Attributes:
        width: As stored, pixels.
        height: As stored, pixels.
        orientation: EXIF's, 1 = upright.
        plain: 8-bit RGB or grey without transparency, which needs no conversion.
    """

    width: int
    height: int
    orientation: int
    plain: bool

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) after it is turned as EXIF says."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def picture_size(path: Path | str) -> tuple[int, int]:
    """Return (width, height) as stored.

    Args:
        path: The picture.

    Raises:
        FileFormatError: It is missing, no image, or too large.
    """
    header = read_header(path)
    return header.width, header.height


def read_header(path: Path | str) -> Header:
    """Read what a picture's file says about it.

    Args:
        path: The picture.

    Raises:
        FileFormatError: It is missing, no image, or too large to decode.
    """
    with _opened(Path(path)) as image:
        orientation = image.getexif().get(ExifTags.Base.Orientation, _UPRIGHT)
        plain = image.mode in ("RGB", "L") and "transparency" not in image.info
        turned = orientation if orientation in _TURNS else _UPRIGHT
        return Header(image.width, image.height, turned, plain)


def decode(
    path: Path | str, longest_side: int | None = None, background: tuple[int, int, int] = (255, 255, 255)
) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode a picture, as stored (not turned).

    Args:
        path: The picture.
        longest_side: It may come smaller, but with no less than this, which saves time and memory with JPEG.
        background: Red, green, blue behind transparent pixels.

    Returns:
        (H, W, 3) uint8, and (H, W) uint8 how opaque it is, None where all of it is.

    Raises:
        FileFormatError: It is missing, damaged, no image, or too large.
    """
    with _opened(Path(path), longest_side) as image:
        if image.mode.startswith("I;16") or image.mode in ("I", "F"):
            return _from_deep(image), None
        if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
            with_alpha = image.convert("RGBA")
            behind = Image.new("RGBA", with_alpha.size, (*background, 255))
            behind.alpha_composite(with_alpha)
            alpha = np.asarray(with_alpha.getchannel("A"))
            return np.asarray(behind.convert("RGB")), None if alpha.min() == 255 else alpha
        return np.asarray(image.convert("RGB")), None


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture as its EXIF says.

    Args:
        pixels: (H, W) or (H, W, C).
        orientation: EXIF's.
    """
    if orientation not in _TURNS:
        return pixels
    steps = {2: (0, 2), 3: (2, 0), 4: (2, 2), 5: (1, 4), 6: (3, 0), 7: (3, 4), 8: (1, 0)}
    quarters, flip = steps[orientation]
    result = np.rot90(pixels, quarters)
    if flip == 2:
        result = np.flip(result, axis=1)
    elif flip == 4:
        result = np.flip(result, axis=0)
    return np.ascontiguousarray(result)


def _from_deep(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if image.mode == "F":
        # Nothing says what a float means: 0 to 1 is what programs write.
        grey = np.clip(values * 255.0 + 0.5, 0, 255).astype(np.uint8)
    else:
        grey = (np.clip(values, 0, 65_535).astype(np.uint16) >> 8).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


@contextmanager
def _opened(path: Path, longest_side: int | None = None) -> Iterator[Image.Image]:
    title = f"Cannot read the image {path}"
    try:
        # Pillow warns of pictures whose size alone is suspect; here the limit in bytes decides.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            if longest_side is not None and max(image.size) > longest_side:
                scale = longest_side / max(image.size)
                image.draft(None, (round(image.width * scale), round(image.height * scale)))
            deep = image.mode in ("I", "F")
            needed = image.width * image.height * (8 if deep else len(image.getbands()) + 4)
            if needed > DECODE_LIMIT:
                raise _too_large(title, f"{image.width}x{image.height} pixels need {needed / 2**20:.0f} MiB")
            yield image
    except FileNotFoundError as error:
        raise FileFormatError(title, "there is no such file", "Check the path.") from error
    except Image.DecompressionBombError as error:
        raise _too_large(title, str(error).split(",")[0][0].lower() + str(error).split(",")[0][1:]) from error
    # Pillow reports broken files by any of these, depending on the format and on where the damage is.
    except (OSError, SyntaxError, ValueError) as error:
        raise FileFormatError(title, f"it is damaged or not an image ({error})", "Replace the file.") from error


def _too_large(title: str, why: str) -> FileFormatError:
    limit = f"one picture may take {DECODE_LIMIT // 2**20} MiB"
    return FileFormatError(title, f"it is too large: {why}, {limit}", "Make it smaller and correct its intrinsics.")
