"""How an edit moves its subject: not only the control's own surface, but every point that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Motion(Protocol):
    """Moves points of the source to where the edit takes them."""

    def carried(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move points.

        Args:
            points: (N, 3) in the world, metres, all that is known of the subject at once: what hangs together is
                found among them.

        Returns:
            (N, 3), not a number where the edit takes a point away, and (N,) how many times as long what carries a
            point becomes, in the direction in which it grows most.
        """
        ...

    def likeness(self) -> Likeness:
        """Tell what the subject looks like after the edit where nothing that was seen is moved to."""
        ...


@dataclass(frozen=True, eq=False)
class Likeness:
    """What a subject looks like after an edit.

    Attributes:
        vertices: (V, 3) of the target, metres.
        origins: (V, 3) the places in the source that look most like them, metres.
        certain: (F, 3) faces of what is there for certain.
        new: (G, 3) faces of what is there for certain and was not before: it looks like what is beside it now.
        possible: (H, 3) faces of what may be there if it is enclosed by what is.
    """

    vertices: np.ndarray
    origins: np.ndarray
    certain: np.ndarray
    new: np.ndarray
    possible: np.ndarray
