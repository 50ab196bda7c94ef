"""Drafts: the photos with the subject moved as the control moves it, before any diffusion.

What every photo shows of the subject is a surface in space, by its depth or, where that is not known, by the control's
own surface. The control tells where the edit takes it, with all that goes with it: clothes, hair, what fills a loose
proxy. An edited view is put together of these surfaces: first of the view's own, whose light and lens are the same,
else of the nearest camera's that shows the spot well enough. What the subject leaves is seen from elsewhere, too, and
its shadow on the ground goes with it (`shadow.py`). A draft has seams, wrong light and missing parts: the diffusion
starts from it with noise and repairs them (SDEdit, Meng et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree

from qnerf_core.control.raster import rasterise_values
from qnerf_core.diffusion.correspondence import mirrored
from qnerf_core.editing.carried_surface import CarriedSurface, carried_surfaces
from qnerf_core.editing.filters import pixel_scale
from qnerf_core.editing.motion import Likeness
from qnerf_core.editing.seen_behind import Behind
from qnerf_core.editing.shadow import MovedShadow
from qnerf_core.editing.subject import Subject
from qnerf_core.scene.camera import Camera, nearest_first

# Pixels of a 256 px picture: the rim of a mask whose colours are mixed, and what a mask may miss.
_RIM, _MISSED = 1.0, 2.0
# Other cameras that are asked for what a view hides.
_OTHERS = 8
# Share of the subject's size, and pixels' widths, within which surfaces of different photos are the same.
_SAME_DEPTH, _SAME_PIXELS = 0.015, 1.5
# Pixels over which one of a photo may be spread, the diagonal counted, to be as good as any.
_SPREAD = 2.5
# Pixels of a 256 px picture by which gaps are closed, and the share of the subject that a hole in it may have which is
# taken for something that no photo shows.
_GAP, _HOLE = 4.0, 0.1
# Points that what nobody saw takes its colour from.
_LIKE = 4
# Steepness of an outline: its colours are mixed over two thirds of a pixel.
_EDGE = 1.5
# Worse than any spread.
_FAR = 1000.0


def drafts(
    subject: Subject,
    cameras: Sequence[Camera],
    images: torch.Tensor,
    figures: Sequence[np.ndarray],
    behind: Sequence[Behind],
    depths: Sequence[np.ndarray],
    count: int | None = None,
    told: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Make drafts of views.

    Args:
        subject: What is edited, with its motion.
        cameras: V cameras of the pictures' size.
        images: (V, 3, H, W) in [0, 1], the photos.
        figures: V times (H, W) bool, what the subject covers in them.
        behind: V times what they would show without it.
        depths: V times (H, W), depth of the scene, metres, 0 where it is not known.
        count: Of the first so many views, all others only show what these hide; None for all.
        told: How many are made, of how many, before each; may raise to stop.

    Returns:
        (count, 3, H, W).

    Raises:
        ValueError: The subject has no motion.
    """
    surfaces = carried_surfaces(subject, cameras, figures, depths)
    photos = [
        _Photo.of(camera, image, figure, surface)
        for camera, image, figure, surface in zip(
            cameras, images.permute(0, 2, 3, 1).numpy(), figures, surfaces, strict=True
        )
    ]
    guess = _Guess.of(subject, photos)
    shadow = MovedShadow.found(
        np.concatenate([surface.before[surface.solid > 0] for surface in surfaces]),
        np.concatenate([surface.after[surface.solid > 0] for surface in surfaces]),
        cameras,
        [photo.image for photo in photos],
        [photo.covered for photo in photos],
        [there.depth for there in behind],
    )
    size, middle = float(np.linalg.norm(np.ptp(subject.source[0], axis=0))), subject.source[0].mean(axis=0)
    result = np.empty((len(photos) if count is None else count, *images.shape[2:], 3), dtype=np.float32)
    for index, photo in enumerate(photos[: len(result)]):
        if told is not None:
            told(index, len(result))
        others = [photos[other] for other in nearest_first(cameras, index)[:_OTHERS]]
        lights = None if shadow is None else shadow.seen_from(photo.camera, behind[index].depth)
        picture = _without_subject(photo, others, behind[index].depth, lights)
        pixel = float(np.linalg.norm(middle - photo.camera.position)) / photo.camera.fx
        same = _SAME_DEPTH * size + _SAME_PIXELS * pixel
        result[index] = _moved(photo, others, guess, picture, behind[index].limit(), same)
    return torch.from_numpy(result).permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True, eq=False)
class _Photo:
    """What a photo gives.

    Attributes:
        camera: Its camera.
        image: (H, W, 3).
        figure: (H, W) bool, where the subject is.
        covered: (H, W) bool, where it may be.
        colours: (H, W, 3), of the subject not mixed with its background's.
        surface: Of the subject.
    """

    camera: Camera
    image: np.ndarray
    figure: np.ndarray
    covered: np.ndarray
    colours: np.ndarray
    surface: CarriedSurface

    @classmethod
    def of(cls, camera: Camera, image: np.ndarray, figure: np.ndarray, surface: CarriedSurface) -> _Photo:
        pixel = pixel_scale(figure.shape)
        inner = ndimage.distance_transform_edt(figure) > _RIM * pixel
        if not inner.any():
            inner = figure
        colours, covered = image, figure
        if figure.any():
            covered = ndimage.distance_transform_edt(~figure) <= _MISSED * pixel
            within = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
            colours = image[tuple(within)]
        return cls(camera, image, figure, covered, colours, surface)

    def sampled(self, pixels: np.ndarray) -> np.ndarray:
        """Colours (N, 3) of the subject at columns and rows (N, 2)."""
        return _between(self.colours, pixels)


@dataclass(frozen=True, eq=False)
class _Coloured:
    """Points with their colours, (N, 3)."""

    tree: cKDTree
    colours: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, colours: np.ndarray) -> _Coloured:
        return cls(cKDTree(points), colours)

    def beside(self, points: np.ndarray) -> np.ndarray:
        """Colours (M, 3) at points (M, 3)."""
        found = self.tree.query(points, k=np.arange(min(_LIKE, len(self.colours))) + 1)[1]
        return np.asarray(self.colours[found].mean(axis=1))


@dataclass(frozen=True, eq=False)
class _Guess:
    """What is there after the edit even where nothing that was seen is moved to.

    Attributes:
        like: What it looks like.
        before: What all photos show of the subject.
        after: The same where the edit takes it.
    """

    like: Likeness
    before: _Coloured
    after: _Coloured

    @classmethod
    def of(cls, subject: Subject, photos: Sequence[_Photo]) -> _Guess:
        assert subject.motion is not None
        before, after, colours = [], [], []
        for photo in photos:
            solid = photo.surface.solid > 0
            before.append(photo.surface.before[solid])
            after.append(photo.surface.after[solid])
            columns, rows = photo.surface.pixels[solid].astype(np.int64).T
            colours.append(photo.colours[rows, columns])
        seen, moved, colour = np.concatenate(before), np.concatenate(after), np.concatenate(colours)
        left = np.isfinite(moved).all(axis=1)
        return cls(subject.motion.likeness(), _Coloured.of(seen, colour), _Coloured.of(moved[left], colour[left]))

    def fill(self, picture: np.ndarray, share: np.ndarray, camera: Camera) -> None:
        """Paint it where it is certain, and elsewhere what is enclosed by what is seen, whose `share` (H, W) is 1."""
        seen = share >= 0.5
        closed = ndimage.binary_closing(seen, iterations=max(1, round(_GAP * pixel_scale(seen.shape))))
        holes = ndimage.label(ndimage.binary_fill_holes(closed) & ~seen)[0]
        small = np.bincount(holes.ravel()) <= _HOLE * seen.sum()
        enclosed = small[holes] & (holes > 0)
        like = self.like
        for faces, missing, places, looks in (
            (like.certain, share < 1.0, like.origins, self.before),
            (like.new, share < 1.0, like.vertices, self.after),
            (like.possible, enclosed, like.origins, self.before),
        ):
            if len(looks.colours) and len(faces) and missing.any():
                found = rasterise_values(like.vertices, faces, places, camera)
                at = missing & ~np.isnan(found[..., 0])
                picture[at] = looks.beside(found[at])


def _moved(
    photo: _Photo,
    others: Sequence[_Photo],
    guess: _Guess,
    background: np.ndarray,
    limit: np.ndarray,
    same: float,
) -> np.ndarray:
    """(H, W, 3) photo with its subject moved, before its background and behind what of it is nearer than `limit`."""
    givers = [photo, *others]
    views = [giver.surface.seen_from(photo.camera) for giver in givers]
    depths = np.stack([np.nan_to_num(view.depth, nan=np.inf) for view in views])
    solid = np.stack([np.nan_to_num(view.solid) for view in views])
    standing = photo.surface.standing(photo.camera)
    still = np.isfinite(standing)
    # What the mask misses of what stands still does so, too.
    nearest = ndimage.distance_transform_edt(~photo.figure, return_distances=False, return_indices=True)
    beside = photo.covered & ~photo.figure & still[tuple(nearest)]
    # Whatever stands still elsewhere than the photo shows is not there.
    for number, view in enumerate(views):
        depths[number, (still | beside) & (view.moved == 0)] = np.inf
    depths[depths > limit + same] = np.inf
    still &= depths.min(axis=0) >= standing - same
    beside &= ~np.isfinite(depths).any(axis=0)
    depths[0, still], solid[0, still] = standing[still], 1.0
    front = np.where(solid >= 0.5, depths, np.inf).min(axis=0)
    near = np.isfinite(depths) & (depths <= front + same)
    spread = np.ceil(np.maximum(np.stack([view.stretch for view in views]) - _SPREAD, 0.0))
    cost = np.arange(len(views))[:, None, None] + len(views) * (spread + _FAR * (solid < 0.5))
    chosen = np.where(near, cost, np.inf).argmin(axis=0)
    share = np.clip(_EDGE * (np.where(near, solid, 0.0).max(axis=0) - 0.5) + 0.5, 0.0, 1.0)
    picture = np.array(background)
    guess.fill(picture, share, photo.camera)
    for number, (giver, view) in enumerate(zip(givers, views, strict=True)):
        at = (share > 0) & (chosen == number) & ~still
        picture[at] += share[at, None] * (giver.sampled(view.pixels[at]) - picture[at])
    kept = still & (chosen == 0) | beside
    picture[kept] = photo.image[kept]
    return picture


def _without_subject(
    photo: _Photo, others: Sequence[_Photo], boundary: np.ndarray, lights: np.ndarray | None
) -> np.ndarray:
    """(H, W, 3) photo with what is behind the subject, as others see it, or mirrored across its outline.

    `lights` (3, H, W) bring the subject's shadow to where it will be, see `MovedShadow`.
    """
    picture = np.array(photo.image)
    missing = photo.covered.copy()
    for other in others:
        rows, columns = np.nonzero(missing & (boundary > 0))
        if not len(rows):
            break
        points = photo.camera.unproject(np.stack([columns, rows], axis=-1) + 0.5, boundary[rows, columns])
        pixels, depth = other.camera.project(points)
        at = np.floor(np.nan_to_num(pixels, nan=-1.0)).astype(np.int64)
        inside = (depth > 0) & (at >= 0).all(axis=1) & (at < [other.camera.width, other.camera.height]).all(axis=1)
        rows, columns, at = rows[inside], columns[inside], at[inside]
        free = ~other.covered[at[:, 1], at[:, 0]]
        rows, columns = rows[free], columns[free]
        picture[rows, columns] = _between(other.image, pixels[inside][free] - 0.5)
        missing[rows, columns] = False
    change, lifted, cast = np.ones((3, *missing.shape)) if lights is None else lights
    result = picture * change[..., None]
    if missing.any() and not missing.all():
        # What comes from elsewhere has the light of elsewhere.
        lit = (picture * lifted[..., None]).reshape(-1, 3)[mirrored(~missing)].reshape(picture.shape)
        result[missing] = (lit * cast[..., None])[missing]
    return np.clip(result, 0.0, 1.0)


def _between(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Values (N, 3) of a picture (H, W, 3) between its pixels, at columns and rows (N, 2)."""
    at = pixels[:, ::-1].T
    found = [ndimage.map_coordinates(image[..., channel], at, order=1, mode="nearest") for channel in range(3)]
    return np.stack(found, axis=-1)
