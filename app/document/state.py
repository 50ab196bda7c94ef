from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from app.document.proxies import same_proxy
from qnerf_core.body.keypoints import Keypoints
from qnerf_core.body.pose import BodyPose
from qnerf_core.editing.spec import EditSpec
from qnerf_core.proxy.model import DepthProxy
from qnerf_core.scene.capture import ControlKind

_NOTHING_SEEN = Keypoints()
_ARRAYS = ("global_orient", "body_pose", "betas", "translation", "proportions")


@dataclass(frozen=True, eq=False)
class State:
    """Everything that undo brings back. Immutable: a command keeps the states before and after it.

    What follows from a field (its signal in `Document`, its entry in `project.json`) is listed by name there. `control`
    says whether the poses or the proxies shape the subject; the others are kept.
    """

    source_pose: BodyPose
    target_pose: BodyPose
    pinned: frozenset[str]
    spec: EditSpec
    source_proxy: DepthProxy | None = None
    target_proxy: DepthProxy | None = None
    keypoints: Keypoints = _NOTHING_SEEN
    control: ControlKind = "skeleton"

    def replaced(self, **changes: Any) -> State:
        return replace(self, **changes)

    def differs(self, other: State) -> tuple[str, ...]:
        """Names of the fields that are not the same."""
        names = (field.name for field in fields(self))
        return tuple(name for name in names if not same(getattr(self, name), getattr(other, name)))


def same(first: Any, second: Any) -> bool:
    if first is second:
        return True
    if isinstance(first, BodyPose) and isinstance(second, BodyPose):
        return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in _ARRAYS)
    if isinstance(first, DepthProxy) and isinstance(second, DepthProxy):
        return same_proxy(first, second)
    return bool(first == second)


def close_to(first: BodyPose, second: BodyPose, tolerance: float = 1e-5) -> bool:
    return all(np.allclose(getattr(first, name), getattr(second, name), rtol=0.0, atol=tolerance) for name in _ARRAYS)
