"""The shape of a boot: rings from the shaft's top to the tip of the toe, the sole's outline, the lift of the heel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnerf_core.authoring.mesh import SurfaceMesh

RING_POINTS = 110
STEP = 0.014
HEEL = 0.24
"""Where the heel ends behind the ankle's axis, metres."""
INSTEP = 0.2
"""How far before the ankle's axis the foot begins."""
_ANKLE = 0.42


@dataclass(frozen=True)
class BootState:
    """Proportions, metres: height of the shaft's top, length of the toe before the instep, height of the heel."""

    shaft: float
    toe: float
    heel: float


@dataclass(frozen=True)
class BootShape:
    """A boot's form in a state, as if it had no heel; `raised` lifts it onto one.

    Attributes:
        state: Proportions.
        width: Half width of the foot, metres.
        pointed: 0 round toe, 1 pointed.
        sole: Thickness of the sole, metres.
    """

    state: BootState
    width: float
    pointed: float
    sole: float

    @property
    def length(self) -> float:
        """From the ankle's axis to the tip of the toe, metres."""
        return self.state.toe + INSTEP

    def raised(self, mesh: SurfaceMesh) -> SurfaceMesh:
        """Lifts what stands above the heel."""
        lifted = np.clip((mesh.vertices[:, 1] + INSTEP + 0.12) / 0.34, 0, 1)
        lifted = lifted**2 * (3 - 2 * lifted) * self.state.heel
        # Soles reach down to the floor: what is at z = 0 stays there.
        height = mesh.vertices[:, 2]
        share = np.clip(height / max(self.sole * 0.5, 1e-6), 0, 1)
        moved = mesh.vertices + np.column_stack([np.zeros((len(height), 2)), lifted * share])
        return SurfaceMesh(moved, mesh.faces, mesh.albedo, mesh.gloss, mesh.glow)

    def _half_width(self, y: np.ndarray) -> np.ndarray:
        """Half the footprint's width at distances y from the ankle's axis, toe at negative y."""
        ahead = np.clip(-y / self.length, 0, 1)
        ball = 0.78 + 0.22 * np.sin(np.pi * np.clip(ahead * 1.3, 0, 1)) - 0.06 * np.exp(-((y / 0.1) ** 2))
        before_tip = 1 - np.clip((self.length + y) / (0.45 * self.length), 0, 1)
        toe = np.sqrt(1 - before_tip**2) * (1 - 0.35 * self.pointed * before_tip)
        back = np.clip((HEEL - y) / 0.18, 0, 1)
        return self.width * ball * toe * np.sqrt(np.clip(1 - (1 - back) ** 2, 0, 1))

    def rings(self) -> tuple[np.ndarray, np.ndarray]:
        """(R, S, 3) rings from the shaft's top to the tip of the toe, and (R,) zones: 0 shaft, 1 ankle, 2 foot."""
        phi = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
        # Angle 0 is the front, or the top of the foot; a squarer curve than an ellipse, clockwise seen from above.
        cosine, sine = np.cos(phi), -np.sin(phi)
        forward, sideways = np.sign(cosine) * np.abs(cosine) ** 0.9, np.sign(sine) * np.abs(sine) ** 0.9
        rings, zones = [], []
        heights = np.linspace(
            self.state.shaft, _ANKLE, max(3, round((self.state.shaft - _ANKLE) / STEP)), endpoint=False
        )
        for height in heights:
            up = (height - _ANKLE) / 0.75
            front, back, wide = (
                -0.17 - 0.035 * up,
                0.19 + 0.045 * up - 0.03 * np.sin(np.pi * np.clip(up, 0, 1)),
                0.165 + 0.045 * up,
            )
            middle, half = (front + back) / 2, (back - front) / 2
            rings.append(np.column_stack([wide * sideways, middle - half * forward, np.full_like(phi, height)]))
            zones.append(0)
        pivot = np.array([-0.23, _ANKLE + 0.02])
        for angle in np.linspace(0, np.pi / 2, 36, endpoint=False):
            direction = np.array([np.cos(angle), -np.sin(angle)])
            inner = pivot + 0.06 * direction
            reach = 1 / (np.abs(np.cos(angle) / 0.47) ** 3.2 + np.abs(np.sin(angle) / 0.5) ** 3.2) ** (1 / 3.2)
            outer = pivot + reach * direction
            middle, half = (inner + outer) / 2, np.linalg.norm(outer - inner) / 2
            share = angle / (np.pi / 2)
            wide = 0.165 * (1 - share) + 0.93 * self.width * share
            along = middle - half * forward[:, None] * direction
            rings.append(np.column_stack([wide * sideways, along]))
            zones.append(1)
        tip = np.sin(np.linspace(0, np.pi / 2, max(20, round(self.state.toe / STEP))))
        start = pivot[0]
        for share in tip:
            y = start + (-self.length + 0.004 - start) * share
            wide = float(np.maximum(self._half_width(np.array([y]))[0], 0.004))
            slope = np.clip((-y + start) / (self.length + start), 0, 1)
            body = 0.36 * (1 - slope) ** 1.15 + 0.2 * slope
            end = np.clip((self.length + y) / 0.2, 0, 1)
            top = self.sole + (body - self.sole) * np.sqrt(np.clip(1 - (1 - end) ** 2, 0, 1))
            bottom = self.sole - 0.08 * np.sqrt(np.clip(end, 0, 1))
            half = max((top - bottom) / 2, 0.003)
            rings.append(np.column_stack([wide * sideways, np.full_like(phi, y), (top + bottom) / 2 + half * forward]))
            zones.append(2)
        stacked = np.stack(rings)
        stacked[..., 2] = np.maximum(stacked[..., 2], self.sole * 0.9)
        return stacked, np.array(zones)

    def footprint(self, low: float, high: float, grow: float) -> np.ndarray:
        """(S, 2) outline of the sole between two distances from the ankle's axis."""
        middle, half = (low + high) / 2, (high - low) / 2
        angle = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
        y = middle - half * np.cos(angle)
        inner = np.clip(y, -self.length + 0.004, HEEL - 0.004)
        wide = self._half_width(inner) + grow
        ends = np.abs(np.cos(angle)) > 0.985
        wide = np.where(ends, wide * np.abs(np.sin(angle)) / np.sin(np.arccos(0.985)), wide)
        return np.column_stack([wide * np.sign(np.sin(angle)) * np.minimum(1, 14 * np.abs(np.sin(angle))), y])
