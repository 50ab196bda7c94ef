from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from qnerf_core.body.pose import BodyPose
from qnerf_core.editing.spec import EditSpec


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
    if isinstance(first, BodyPose) and isinstance(second, BodyPose):
        return first is second or same_pose(first, second, 0.0)
    return bool(first == second)


def same_pose(first: BodyPose, second: BodyPose, tolerance: float) -> bool:
    names = ("global_orient", "body_pose", "betas", "translation")
    return all(
        np.allclose(getattr(first, name), getattr(second, name), rtol=0.0, atol=tolerance, equal_nan=True)
        for name in names
    )
