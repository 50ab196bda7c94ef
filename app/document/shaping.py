"""What can be done with a proxy, as functions from proxy to proxy; `Document` makes commands of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.document.opening import centre_of_views
from qnerf_core.proxy.model import DepthProxy, PartKind, ProxyPart
from qnerf_core.scene.scene import Scene

_NEW_SHARE = 0.35
_FIRST_SIZE = 0.8
# Of its width: what stands along its own z is higher than wide.
_HEIGHTS: dict[PartKind, float] = {"capsule": 1.6, "cylinder": 1.2}


def words(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} parts"


def free_group(proxy: DepthProxy) -> str:
    numbers = range(1, len(proxy.groups) + 2)
    return next(name for name in (f"Group {number}" for number in numbers) if name not in proxy.groups)


def new_part(proxy: DepthProxy, kind: PartKind, scene: Scene, floor: float) -> ProxyPart:
    """On top of all parts; the first one stands on the floor where the cameras look."""
    low, high = proxy.box()
    width = _NEW_SHARE * float((high - low).max()) or _FIRST_SIZE
    size = np.array([width, width, width * _HEIGHTS.get(kind, 1.0)])
    if proxy.parts:
        x, y, bottom = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), high[2]
    else:
        (x, y, _), bottom = centre_of_views(scene), floor
    centre = np.array([x, y, bottom + 0.5 * size[2]])
    return ProxyPart(proxy.free_name(kind), kind, centre, np.zeros(3), size)


def restored(proxy: DepthProxy, reference: DepthProxy, names: Sequence[str]) -> DepthProxy:
    """Some parts as the reference has them; those that it does not have stay."""
    known = {part.name: part for part in reference.parts if part.name in names}
    return replace(proxy, parts=tuple(known.get(part.name, part) for part in proxy.parts))
