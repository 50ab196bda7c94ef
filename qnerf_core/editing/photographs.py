"""What photos show of the subject and of what is behind it: all that drafts are made of and no edit changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree

from qnerf_core.editing.carried_surface import ShownSurface
from qnerf_core.editing.filters import between, pixel_scale
from qnerf_core.editing.seen_behind import Behind
from qnerf_core.editing.subject import Mesh
from qnerf_core.scene.camera import Camera

# Pixels of a 256 px picture: the rim of a mask whose colours are mixed, and what a mask may miss.
_RIM, _MISSED = 1.0, 2.0
# Points that a place takes its colour from.
_LIKE = 4
# Views whose previews are remembered, some megabytes each.
_REMEMBERED = 3


@dataclass(frozen=True, eq=False)
class Photograph:
    """What a photo gives.

    Attributes:
        camera: Its camera.
        image: (H, W, 3) in [0, 1].
        figure: (H, W) bool, where the subject is.
        covered: (H, W) bool, where it may be.
        colours: (H, W, 3), of the subject not mixed with its background's.
        behind: What it would show without it.
        surface: Of the subject.
    """

    camera: Camera
    image: np.ndarray
    figure: np.ndarray
    covered: np.ndarray
    colours: np.ndarray
    behind: Behind
    surface: ShownSurface

    @classmethod
    def of(
        cls,
        mesh: Mesh,
        camera: Camera,
        image: np.ndarray,
        figure: np.ndarray,
        behind: Behind,
        depth: np.ndarray,
    ) -> Photograph:
        """Make it.

        Args:
            mesh: The control's own surface as the photo shows it: vertices (V, 3), metres, and faces.
            camera: Of the photo's size.
            image: (H, W, 3) in [0, 1].
            figure: (H, W) bool, what the subject covers.
            behind: What the photo would show without it.
            depth: (H, W) of the scene, metres, 0 where it is not known.
        """
        pixel = pixel_scale(figure.shape)
        inner = ndimage.distance_transform_edt(figure) > _RIM * pixel
        if not inner.any():
            inner = figure
        colours, covered = image, figure
        if figure.any():
            covered = ndimage.distance_transform_edt(~figure) <= _MISSED * pixel
            within = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
            colours = image[tuple(within)]
        surface = ShownSurface.of(mesh, camera, figure, depth)
        return cls(camera, image, figure, covered, colours, behind, surface)

    def sampled(self, pixels: np.ndarray) -> np.ndarray:
        """Return colours (N, 3) of the subject at columns and rows (N, 2)."""
        return between(self.colours, pixels)

    def coloured(self) -> np.ndarray:
        """Return colours (N, 3) of those points of the surface that are the subject's."""
        columns, rows = self.surface.pixels[self.surface.solid > 0].astype(np.int64).T
        return self.colours[rows, columns]


@dataclass(frozen=True, eq=False)
class Looks:
    """Points in space, (N, 3), and their colours, (N, 3)."""

    points: np.ndarray
    colours: np.ndarray
    tree: cKDTree

    @classmethod
    def of(cls, points: np.ndarray, colours: np.ndarray) -> Looks:
        """Make it of points (N, 3) and their colours (N, 3)."""
        return cls(points, colours, cKDTree(points))

    def beside(self, points: np.ndarray) -> np.ndarray:
        """Return colours (M, 3) of what is nearest to points (M, 3); there must be something."""
        found = self.tree.query(points, k=np.arange(min(_LIKE, len(self.colours))) + 1)[1]
        return np.asarray(self.colours[found].mean(axis=1))


@dataclass(frozen=True, eq=False)
class Photographs:
    """What several photos give together.

    Attributes:
        photos: Each.
        looks: Of the subject.
    """

    photos: tuple[Photograph, ...]
    looks: Looks

    @classmethod
    def of(
        cls,
        mesh: Mesh,
        cameras: Sequence[Camera],
        images: torch.Tensor,
        figures: Sequence[np.ndarray],
        behind: Sequence[Behind],
        depths: Sequence[np.ndarray],
    ) -> Photographs:
        """Make it.

        Args:
            mesh: The control's own surface as the photos show it: vertices (V, 3), metres, and faces.
            cameras: V cameras of the pictures' size.
            images: (V, 3, H, W) in [0, 1].
            figures: V times (H, W) bool, what the subject covers in them.
            behind: V times what they would show without it.
            depths: V times (H, W), depth of the scene, metres, 0 where it is not known.
        """
        shown = zip(cameras, images.permute(0, 2, 3, 1).numpy(), figures, behind, depths, strict=True)
        photos = tuple(Photograph.of(mesh, *photo) for photo in shown)
        points = np.concatenate([photo.surface.points[photo.surface.solid > 0] for photo in photos])
        return cls(photos, Looks.of(points, np.concatenate([photo.coloured() for photo in photos])))


class Beside:
    """How many further views, the nearest, show what the edited ones hide, and what all of them gave.

    It is remembered as long as pictures, masks and depth stay what they were read as.

    Attributes:
        count: So many.
    """

    def __init__(self, count: int) -> None:
        """Remember nothing yet."""
        self.count = count
        self._made: OrderedDict[Hashable, Photographs] = OrderedDict()

    def remembered(self, key: Hashable, make: Callable[[], Photographs]) -> Photographs:
        """Return what was made of the same, or make it.

        Args:
            key: What it is made of.
            make: Makes it.
        """
        if key not in self._made:
            self._made[key] = make()
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]
