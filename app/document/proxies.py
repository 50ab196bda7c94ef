"""When two proxies are the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qnerf_core.proxy.model import DepthProxy, ProxyPart


def same_proxy(first: DepthProxy, second: DepthProxy) -> bool:
    return first.blend == second.blend and _parts_agree(first, second, _same_part)


def proxies_close(first: DepthProxy, second: DepthProxy, tolerance: float = 1e-6) -> bool:
    """Whether they have the same shape; groups do not matter."""

    def close(one: ProxyPart, other: ProxyPart) -> bool:
        pairs = ((one.centre, other.centre), (one.size, other.size), (one.axes, other.axes))
        return _same_faces(one, other) and all(
            np.allclose(a, b, rtol=0.0, atol=tolerance) for a, b in (*pairs, *_vertices(one, other))
        )

    return abs(first.blend - second.blend) <= tolerance and _parts_agree(first, second, close)


def _parts_agree(first: DepthProxy, second: DepthProxy, agree: Callable[[ProxyPart, ProxyPart], bool]) -> bool:
    if first.names != second.names:
        return False
    return all(one is other or agree(one, other) for one, other in zip(first.parts, second.parts, strict=True))


def _same_part(one: ProxyPart, other: ProxyPart) -> bool:
    pairs = ((one.centre, other.centre), (one.size, other.size), (one.rotation, other.rotation))
    if one.group != other.group or not _same_faces(one, other):
        return False
    return all(a is b or np.array_equal(a, b) for a, b in (*pairs, *_vertices(one, other)))


def _same_faces(one: ProxyPart, other: ProxyPart) -> bool:
    if one.kind != other.kind:
        return False
    if one.vertices is None or other.vertices is None or one.faces is None or other.faces is None:
        return True
    if len(one.vertices) != len(other.vertices):
        return False
    return one.faces is other.faces or np.array_equal(one.faces, other.faces)


def _vertices(one: ProxyPart, other: ProxyPart) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(one.vertices, other.vertices)] if one.vertices is not None and other.vertices is not None else []
