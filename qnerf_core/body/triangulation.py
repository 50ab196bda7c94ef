"""Points of space from their places in several pictures, some of which may be plainly wrong.

Every pair of looks from different places proposes the point where their rays pass each other; the one that most looks
agree with (by a truncated squared error, MSAC: Torr and Zisserman, 2000) is refined on those that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from qnerf_core.scene.camera import Camera

NOISE = 2.0 / 256.0
"""How far a look is usually off, as a share of the picture's longer side."""

# In standard deviations: beyond this a look is taken for wrong.
OUTLIER = 3.0
_LEAST_ANGLE = np.radians(2.0)
_MOST_PAIRS = 600
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Looks:
    """N looks, each of one picture at one point.

    Attributes:
        matrices: (N, 4, 4) world to camera.
        focal, centre: (N, 2) intrinsics, pixels.
        pixels: (N, 2) where the point is seen.
        noise: (N,) how far that may be off, pixels.
        weights: (N,) from 0 to 1.
    """

    matrices: np.ndarray
    focal: np.ndarray
    centre: np.ndarray
    pixels: np.ndarray
    noise: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls, cameras: Sequence[Camera], pixels: np.ndarray, weights: np.ndarray | None = None, noise: float = NOISE
    ) -> Looks:
        """Make looks of pixels.

        Args:
            cameras: N, one of every look.
            pixels: (N, 2).
            weights: (N,); None is 1.
            noise: How far pixels may be off, as a share of the picture's longer side.
        """
        return cls(
            np.array([camera.world_to_camera for camera in cameras]).reshape(-1, 4, 4),
            np.array([(camera.fx, camera.fy) for camera in cameras]).reshape(-1, 2),
            np.array([(camera.cx, camera.cy) for camera in cameras]).reshape(-1, 2),
            np.asarray(pixels, dtype=np.float64).reshape(-1, 2),
            np.array([noise * max(camera.width, camera.height) for camera in cameras]),
            np.ones(len(cameras)) if weights is None else np.asarray(weights, dtype=np.float64),
        )

    def __len__(self) -> int:
        return len(self.pixels)

    def chosen(self, rows: np.ndarray) -> Looks:
        """Some of them, by a mask or by indices."""
        return Looks(*(getattr(self, field.name)[rows] for field in fields(self)))

    def local(self, points: np.ndarray) -> np.ndarray:
        """Points (..., N, 3) of the world, one for every look or all looks, in the cameras' axes."""
        return (self.matrices[:, :3, :3] @ points[..., None])[..., 0] + self.matrices[:, :3, 3]

    def projected(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., N, 2) of points (..., N, 3), one for every look; of those not before the camera nonsense."""
        local = self.local(points)
        depth = np.maximum(-local[..., 2:], 1e-6)
        return self.centre + self.focal * local[..., :2] * np.array([1.0, -1.0]) / depth

    def off(self, points: np.ndarray) -> np.ndarray:
        """(..., N) distances of the looks from points (..., N, 3) in standard deviations; inf behind the camera."""
        distances = np.linalg.norm(self.projected(points) - self.pixels, axis=-1) / self.noise
        return np.where(self.local(points)[..., 2] < 0, distances, np.inf)


@dataclass(frozen=True, eq=False)
class Triangulated:
    """A point of space and how well it is known.

    Attributes:
        position: (3,) world.
        covariance: (3, 3) of the position, as the looks' noise and directions give it.
        agrees: (N,) bool, which looks it was made of.
        errors: (N,) pixels between the looks and the point's projection; inf behind the camera.
    """

    position: np.ndarray
    covariance: np.ndarray
    agrees: np.ndarray
    errors: np.ndarray


def triangulate(looks: Looks) -> Triangulated | None:
    """Find the point that most looks see.

    Args:
        looks: At one point.

    Returns:
        The point; None if no two looks come from different directions and meet before their cameras.
    """
    proposals = _proposals(looks)
    if not len(proposals):
        return None
    errors = looks.off(proposals[:, None])
    costs = np.minimum(errors, OUTLIER) ** 2 @ looks.weights
    best = int(np.argmin(costs))
    point, agrees = proposals[best], errors[best] < OUTLIER
    for _ in range(_ROUNDS):
        point, covariance = _refined(looks.chosen(agrees), point)
        now = looks.off(point) < OUTLIER
        if now.sum() < 2 or np.array_equal(now, agrees):
            break
        agrees = now
    return Triangulated(point, covariance, agrees, looks.off(point) * looks.noise)


def _proposals(looks: Looks) -> np.ndarray:
    """(P, 3) where the rays of pairs are nearest to each other, if both looks agree with it."""
    first, second = np.triu_indices(len(looks), 1)
    if len(first) > _MOST_PAIRS:
        some = np.linspace(0, len(first) - 1, _MOST_PAIRS).astype(int)
        first, second = first[some], second[some]
    rotations = looks.matrices[:, :3, :3]
    origins = -np.einsum("nji,nj->ni", rotations, looks.matrices[:, :3, 3])
    slopes = (looks.pixels - looks.centre) / looks.focal * np.array([1.0, -1.0])
    rays = np.einsum("nji,nj->ni", rotations, np.concatenate([slopes, -np.ones((len(looks), 1))], axis=1))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    cosines = np.einsum("pi,pi->p", rays[first], rays[second])
    sines = 1.0 - cosines**2
    meets = sines > np.sin(_LEAST_ANGLE) ** 2
    first, second, cosines, sines = first[meets], second[meets], cosines[meets], sines[meets]
    apart = origins[second] - origins[first]
    toward_first = np.einsum("pi,pi->p", rays[first], apart)
    toward_second = np.einsum("pi,pi->p", rays[second], apart)
    along_first = (toward_first - cosines * toward_second) / sines
    along_second = (cosines * toward_first - toward_second) / sines
    points = 0.5 * (
        origins[first] + along_first[:, None] * rays[first] + origins[second] + along_second[:, None] * rays[second]
    )
    errors = looks.off(points[:, None])
    rows = np.arange(len(points))
    good = (np.maximum(errors[rows, first], errors[rows, second]) < OUTLIER) & (along_first > 0) & (along_second > 0)
    return points[good]


def _refined(looks: Looks, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Newton's point of least squares, and its covariance."""
    scale = np.sqrt(looks.weights) / looks.noise
    normal = np.eye(3)
    for _ in range(_ROUNDS):
        local = looks.local(point)
        depth = np.maximum(-local[:, 2], 1e-6)
        slopes = np.zeros((len(looks), 2, 3))
        slopes[:, 0, 0], slopes[:, 1, 1] = looks.focal[:, 0] / depth, -looks.focal[:, 1] / depth
        slopes[:, :, 2] = looks.focal * local[:, :2] * np.array([1.0, -1.0]) / depth[:, None] ** 2
        slopes = slopes @ looks.matrices[:, :3, :3] * scale[:, None, None]
        errors = (looks.pixels - looks.projected(point)) * scale[:, None]
        normal = np.einsum("nai,naj->ij", slopes, slopes)
        step = np.linalg.lstsq(normal, np.einsum("nai,na->i", slopes, errors), rcond=None)[0]
        point = point + step
        if np.linalg.norm(step) < 1e-9 * (1.0 + np.linalg.norm(point)):
            break
    return point, np.linalg.pinv(normal)
