"""Between this program's world (right-handed, z up) and that of glTF (right-handed, y up)."""

from __future__ import annotations

import numpy as np

Z_UP_TO_Y_UP = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""(x, y, z) becomes (x, z, -y)."""
