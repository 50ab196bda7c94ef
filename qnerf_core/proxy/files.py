"""Proxy files: JSON with its convention written into it, versioned."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qnerf_core.errors import FileFormatError, ProxyError
from qnerf_core.files import read_json, write_json
from qnerf_core.proxy.model import DepthProxy, PartKind, ProxyPart

FORMAT = "qnerf-studio-proxy"
VERSION = 1
CONVENTION = (
    "Right-handed world, z up, metres. A part fills the cube from -0.5 to 0.5 of its unit frame: world = centre + "
    "rotation (size * unit). rotation: axis-angle in radians, the part's own axes to the world. Capsules and cylinders "
    "stand along their own z. Blobs flow together over the distance blend, metres. vertices of a mesh are in the unit "
    "frame, faces counter-clockwise seen from outside."
)
# Of vertices in the unit frame: a tenth of a micrometre per metre of size.
_DECIMALS = 7

_Three = tuple[float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(min_length=1)
    kind: PartKind
    centre: _Three
    rotation: _Three
    size: _Three
    group: str = ""
    vertices: tuple[_Three, ...] | None = None
    faces: tuple[tuple[int, int, int], ...] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal["qnerf-studio-proxy"]
    version: Literal[1]
    convention: str = ""
    blend: float
    parts: tuple[_Part, ...]


def write_proxy(path: Path | str, proxy: DepthProxy) -> None:
    """Write a proxy so that `read_proxy` gives the same to 1e-6.

    Args:
        path: Where to; replaced atomically.
        proxy: The proxy.
    """
    # A number a line would make meshes three times as long.
    write_json(path, proxy_record(proxy), indent=None if any(part.kind == "mesh" for part in proxy.parts) else 1)


def read_proxy(path: Path | str) -> DepthProxy:
    """Read a proxy file.

    Args:
        path: The file.

    Raises:
        ProxyError: It is missing, not JSON, of another format or a newer version, or a value is missing or wrong; the
            error names the place in the file.
    """
    try:
        content = read_json(path)
    except FileFormatError as error:
        raise ProxyError(error.title, error.cause, error.next_step) from error
    return proxy_of_record(content, f"Cannot read the proxy {path}")


def proxy_record(proxy: DepthProxy) -> dict[str, Any]:
    """Return a proxy as JSON, for a file or within one.

    Args:
        proxy: The proxy.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "convention": CONVENTION,
        "blend": proxy.blend,
        "parts": [_part_record(part) for part in proxy.parts],
    }


def proxy_of_record(content: Any, title: str = "Cannot read the proxy") -> DepthProxy:
    """Return the proxy that `proxy_record` described.

    Args:
        content: JSON.
        title: Of the error.

    Raises:
        ProxyError: It is not a proxy, or a value is wrong.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ProxyError(title, f'it is not a proxy file: "format" is not "{FORMAT}"', "Choose a proxy file.")
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise ProxyError(
            title,
            f"it has version {version}, and this program reads versions up to {VERSION}",
            "Update QNeRF Studio, or save the proxy again with an older version.",
        )
    try:
        parsed = _File.model_validate(content)
        return DepthProxy(tuple(_part(entry) for entry in parsed.parts), parsed.blend)
    except ValidationError as error:
        first = error.errors()[0]
        where = " -> ".join(str(part) for part in first["loc"])
        raise ProxyError(title, f"{where}: {first['msg']}", "Correct the file.") from error
    except ValueError as error:
        raise ProxyError(title, str(error), "Correct the file.") from error


def _part(entry: _Part) -> ProxyPart:
    return ProxyPart(
        entry.name,
        entry.kind,
        np.array(entry.centre),
        np.array(entry.rotation),
        np.array(entry.size),
        entry.group,
        None if entry.vertices is None else np.array(entry.vertices, dtype=np.float64).reshape(-1, 3),
        None if entry.faces is None else np.array(entry.faces, dtype=np.int64).reshape(-1, 3),
    )


def _part_record(part: ProxyPart) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": part.name,
        "kind": part.kind,
        "centre": part.centre.tolist(),
        "rotation": part.rotation.tolist(),
        "size": part.size.tolist(),
        "group": part.group,
    }
    if part.vertices is not None and part.faces is not None:
        record |= {"vertices": np.round(part.vertices, _DECIMALS).tolist(), "faces": part.faces.tolist()}
    return record
