from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from qnerf_core.body.pose import BodyPose
from qnerf_core.editing.spec import EditSpec

_ARRAYS = ("global_orient", "body_pose", "betas", "translation")


@dataclass(frozen=True, eq=False)
class State:
    """Everything that undo brings back. Immutable: a command keeps the states before and after it.

    A capture that is edited by a depth proxy gets two more fields here, the proxies before and after the edit; what
    follows from a field (its signal in `Document`, its entry in `project.json`) is listed by name there.
    """

    source_pose: BodyPose
    target_pose: BodyPose
    pinned: frozenset[str]
    spec: EditSpec

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
    return bool(first == second)


def close_to(first: BodyPose, second: BodyPose, tolerance: float = 1e-9) -> bool:
    return all(np.allclose(getattr(first, name), getattr(second, name), rtol=0.0, atol=tolerance) for name in _ARRAYS)
