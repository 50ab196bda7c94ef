"""What a photo shows of the subject as a surface in space, and where an edit takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from qnerf_core.control.raster import rasterise_depth, rasterise_values
from qnerf_core.editing.filters import pixel_scale
from qnerf_core.editing.subject import Mesh, Subject
from qnerf_core.scene.camera import Camera

# Pixels of a 256 px picture: the most by which a subject is seen to stand off its mesh, and the farthest that a pixel
# takes its depth from another where neither its own nor the mesh's is known.
_OFF_MESH = 16.0
# Share of the subject's size by which a pixel at the outline may be farther than the pixels around it.
_STRAY = 0.05
# Pixels' widths by which depth may change from pixel to pixel on one surface.
_STEEP = 8.0
# Pixels by which what is seen may move and counts as standing still.
_STILL = 0.5
# How many times as long as what carries it an edge may become.
_TORN = 4.0


@dataclass(frozen=True, eq=False)
class ShownSurface:
    """A triangle mesh through the pixels of a photo that show the subject, and one pixel around them.

    Attributes:
        points: (N, 3) where they are, world, metres.
        pixels: (N, 2) columns and rows of the pixels.
        solid: (N,) 1 on the subject, 0 around it: its outline is where that is half.
        faces: (F, 3), clockwise in the photo.
        lengths: (F,) of their longest edges, metres.
    """

    points: np.ndarray
    pixels: np.ndarray
    solid: np.ndarray
    faces: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, mesh: Mesh, camera: Camera, figure: np.ndarray, depth: np.ndarray) -> ShownSurface:
        """Find it.

        Args:
            mesh: The control's own surface as the photo shows it: vertices (V, 3), metres, and faces.
            camera: Of the photo's size.
            figure: (H, W) bool, what the subject covers.
            depth: (H, W) of the scene, metres, 0 where it is not known. Where that of no pixel nearby is, the mesh is
                taken for the subject.
        """
        points, shown, solid = _points(mesh, camera, figure, depth)
        number = np.full(shown.shape, -1)
        number[shown] = np.arange(len(points))
        upper, lower = (number[:-1, :-1], number[:-1, 1:]), (number[1:, :-1], number[1:, 1:])
        halves = (upper[0], upper[1], lower[0]), (upper[1], lower[1], lower[0])
        faces = np.concatenate([np.stack(corners, axis=-1).reshape(-1, 3) for corners in halves])
        faces = faces[(faces >= 0).all(axis=1)]
        away = camera.project(points)[1][faces]
        faces = faces[np.ptp(away, axis=1) <= _STEEP * away.mean(axis=1) / camera.fx]
        rows, columns = np.nonzero(shown)
        pixels = np.stack([columns, rows], axis=-1).astype(np.float64)
        return cls(points, pixels, solid[shown].astype(np.float64), faces, _longest(faces, points))

    def carried(self, after: np.ndarray, growth: np.ndarray) -> CarriedSurface:
        """Move it, without what tears.

        Args:
            after: (N, 3) where the edit takes its points, not a number where it takes them away.
            growth: (N,) how many times as long what carries them becomes.
        """
        # Comparing with what is not a number is false: what the edit takes away goes.
        whole = _longest(self.faces, after) <= _TORN * growth[self.faces].max(axis=1, initial=0.0) * self.lengths
        return CarriedSurface(self.points, after, self.pixels, self.solid, self.faces[whole])


@dataclass(frozen=True, eq=False)
class CarriedSurface:
    """A shown surface and where the edit takes it.

    Attributes:
        before, pixels, solid: As `ShownSurface` has them.
        after: (N, 3) where the edit takes its points, metres.
        faces: (F, 3) those that do not tear.
    """

    before: np.ndarray
    after: np.ndarray
    pixels: np.ndarray
    solid: np.ndarray
    faces: np.ndarray

    def standing(self, camera: Camera) -> np.ndarray:
        """Find what stays where it is in its own photo, to half a pixel.

        Args:
            camera: Of the photo.

        Returns:
            (H, W) its depth, metres, infinite elsewhere.
        """
        result = np.full((camera.height, camera.width), np.inf)
        pixels, depth = camera.project(self.after)
        # Comparing with what is not a number is false.
        still = (np.linalg.norm(pixels - 0.5 - self.pixels, axis=1) <= _STILL) & (self.solid == 1)
        columns, rows = self.pixels[still].astype(np.int64).T
        result[rows, columns] = depth[still]
        return result

    def seen_from(self, camera: Camera) -> CarriedView:
        """Render it where the edit takes it.

        Args:
            camera: The view; gives the size.
        """
        corners, depth = camera.project(self.after)
        faces = self.faces[(depth[self.faces] > 0).all(axis=1)]
        first, second, third = np.moveaxis(corners[faces], 1, 0)
        across, down = second - first, third - first
        facing = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0] > 0
        faces = faces[facing]
        first, second, third = first[facing], second[facing], third[facing]
        longest = np.max(
            [np.linalg.norm(one - other, axis=1) for one, other in ((first, second), (second, third), (third, first))],
            axis=0,
        )
        stretch = np.zeros(len(self.after))
        for corner in faces.T:
            np.maximum.at(stretch, corner, longest)
        moved = np.linalg.norm(self.after - self.before, axis=1) > _STILL * depth / camera.fx
        values = np.column_stack([self.pixels, self.solid, depth, stretch, moved])
        found = rasterise_values(self.after, faces, values, camera)
        return CarriedView(found[..., :2], *np.moveaxis(found[..., 2:], -1, 0))


@dataclass(frozen=True, eq=False)
class CarriedView:
    """What a view would see of a photo's surface after the edit; not a number where nothing.

    Attributes:
        pixels: (H, W, 2) columns and rows in the photo.
        solid: (H, W) as of the surface.
        depth: (H, W) metres along the viewing axis.
        stretch: (H, W) how many pixels of the view one of the photo is spread over, and its diagonal.
        moved: (H, W) 0 where it stays where it is, to half a pixel's width.
    """

    pixels: np.ndarray
    solid: np.ndarray
    depth: np.ndarray
    stretch: np.ndarray
    moved: np.ndarray


def carried_surfaces(subject: Subject, shown: Sequence[ShownSurface]) -> list[CarriedSurface]:
    """Move the surfaces of all photos together.

    Args:
        subject: What is edited, with its motion.
        shown: What each photo shows of it.

    Raises:
        ValueError: The subject has no motion.
    """
    if subject.motion is None:
        raise ValueError("what of the one state is what of the other is not known")
    moved, growth = subject.motion.carried(np.concatenate([surface.points for surface in shown]))
    ends = np.cumsum([0, *(len(surface.points) for surface in shown)])
    return [
        surface.carried(moved[start:stop], growth[start:stop])
        for surface, start, stop in zip(shown, ends[:-1], ends[1:], strict=True)
    ]


def _points(
    mesh: Mesh, camera: Camera, figure: np.ndarray, depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 3) points, (H, W) bool where they are, row by row, and (H, W) bool which are the subject's."""
    size = float(np.linalg.norm(np.ptp(mesh[0], axis=0)))
    pixel = pixel_scale(figure.shape)
    known = figure & (depth > 0)
    # Where a pixel at the outline is half the background's, its depth may be all of it.
    rim = figure & ndimage.binary_dilation(~figure, np.ones((3, 3)), iterations=max(1, round(pixel)))
    nearest_beside = ndimage.minimum_filter(np.where(known, depth, np.inf), 3)
    known &= ~(rim & (depth - nearest_beside > _STRAY * size))
    bare = rasterise_depth(*mesh, camera)
    filled = figure & (bare > 0)
    if known.any():
        filled &= ndimage.distance_transform_edt(~known) > _OFF_MESH * pixel
    surface, known = np.where(filled, bare, depth), known | filled
    if not known.any():
        return np.zeros((0, 3)), known, known
    away, nearest = ndimage.distance_transform_edt(~known, return_indices=True)
    solid = figure & (away <= _OFF_MESH * pixel)
    shown = ndimage.binary_dilation(solid, np.ones((3, 3)))
    rows, columns = np.nonzero(shown)
    points = camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, surface[tuple(nearest)][shown])
    return points, shown, solid


def _longest(faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """(F,) lengths of the longest edges."""
    corners = vertices[faces]
    lengths = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    return np.asarray(lengths.max(axis=1, initial=0.0))
