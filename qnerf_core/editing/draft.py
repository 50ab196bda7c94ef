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

from qnerf_core.control.raster import rasterise_values
from qnerf_core.diffusion.correspondence import mirrored
from qnerf_core.editing.carried_surface import CarriedSurface, carried_surfaces
from qnerf_core.editing.filters import between, pixel_scale
from qnerf_core.editing.motion import Likeness
from qnerf_core.editing.photographs import Looks, Photograph, Photographs
from qnerf_core.editing.shadow import MovedShadow
from qnerf_core.editing.subject import Subject
from qnerf_core.scene.camera import Camera, nearest_first

# Other cameras that are asked for what a view hides.
_OTHERS = 8
# Share of the subject's size, and pixels' widths, within which surfaces of different photos are the same.
_SAME_DEPTH, _SAME_PIXELS = 0.015, 1.5
# Pixels over which one of a photo may be spread, the diagonal counted, to be as good as any.
_SPREAD = 2.5
# Pixels of a 256 px picture by which gaps are closed, and the share of the subject that a hole in it may have which is
# taken for something that no photo shows.
_GAP, _HOLE = 4.0, 0.1
# Steepness of an outline: its colours are mixed over two thirds of a pixel.
_EDGE = 1.5
# Worse than any spread.
_FAR = 1000.0


def drafts(
    subject: Subject,
    photographs: Photographs,
    count: int | None = None,
    told: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Make drafts of views.

    Args:
        subject: What is edited, with its motion.
        photographs: V photos, of the subject's source.
        count: Of the first so many views, all others only show what these hide; None for all.
        told: How many are made, of how many, before each; may raise to stop.

    Returns:
        (count, 3, H, W).

    Raises:
        ValueError: The subject has no motion.
    """
    photos = photographs.photos
    cameras = [photo.camera for photo in photos]
    surfaces = carried_surfaces(subject, [photo.surface for photo in photos])
    after = np.concatenate([surface.after[surface.solid > 0] for surface in surfaces])
    guess = _Guess.of(subject, photographs.looks, after)
    shadow = MovedShadow.found(
        photographs.looks.points,
        after,
        cameras,
        [photo.image for photo in photos],
        [photo.covered for photo in photos],
        [photo.behind.depth for photo in photos],
    )
    size, middle = float(np.linalg.norm(np.ptp(subject.source[0], axis=0))), subject.source[0].mean(axis=0)
    result = np.empty((len(photos) if count is None else count, *photos[0].image.shape), dtype=np.float32)
    for index, photo in enumerate(photos[: len(result)]):
        if told is not None:
            told(index, len(result))
        others = nearest_first(cameras, index)[:_OTHERS]
        lights = None if shadow is None else shadow.seen_from(photo.camera, photo.behind.depth)
        picture = _without_subject(photo, [photos[other] for other in others], lights)
        pixel = float(np.linalg.norm(middle - photo.camera.position)) / photo.camera.fx
        same = _SAME_DEPTH * size + _SAME_PIXELS * pixel
        givers = [(photos[number], surfaces[number]) for number in (index, *others)]
        result[index] = _moved(givers, guess, picture, same)
    return torch.from_numpy(result).permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True, eq=False)
class _Guess:
    """What is there after the edit even where nothing that was seen is moved to.

    Attributes:
        like: What it looks like.
        before: Looks of all that photos show of the subject.
        after: The same where the edit takes it.
    """

    like: Likeness
    before: Looks
    after: Looks

    @classmethod
    def of(cls, subject: Subject, before: Looks, after: np.ndarray) -> _Guess:
        assert subject.motion is not None
        left = np.isfinite(after).all(axis=1)
        return cls(subject.motion.likeness(), before, Looks.of(after[left], before.colours[left]))

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
    givers: Sequence[tuple[Photograph, CarriedSurface]], guess: _Guess, background: np.ndarray, same: float
) -> np.ndarray:
    """(H, W, 3) the first photo with its subject moved, before its background and behind what of that is nearer."""
    photo, own = givers[0]
    views = [surface.seen_from(photo.camera) for _, surface in givers]
    depths = np.stack([np.nan_to_num(view.depth, nan=np.inf) for view in views])
    solid = np.stack([np.nan_to_num(view.solid) for view in views])
    standing = own.standing(photo.camera)
    still = np.isfinite(standing)
    # What the mask misses of what stands still does so, too.
    nearest = ndimage.distance_transform_edt(~photo.figure, return_distances=False, return_indices=True)
    beside = photo.covered & ~photo.figure & still[tuple(nearest)]
    # Whatever stands still elsewhere than the photo shows is not there.
    for number, view in enumerate(views):
        depths[number, (still | beside) & (view.moved == 0)] = np.inf
    depths[depths > photo.behind.limit() + same] = np.inf
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
    for number, ((giver, _), view) in enumerate(zip(givers, views, strict=True)):
        at = (share > 0) & (chosen == number) & ~still
        picture[at] += share[at, None] * (giver.sampled(view.pixels[at]) - picture[at])
    kept = still & (chosen == 0) | beside
    picture[kept] = photo.image[kept]
    return picture


def _without_subject(photo: Photograph, others: Sequence[Photograph], lights: np.ndarray | None) -> np.ndarray:
    """(H, W, 3) photo with what is behind the subject, as others see it, or mirrored across its outline.

    `lights` (3, H, W) bring the subject's shadow to where it will be, see `MovedShadow`.
    """
    picture = np.array(photo.image)
    missing, boundary = photo.covered.copy(), photo.behind.depth
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
        picture[rows, columns] = between(other.image, pixels[inside][free] - 0.5)
        missing[rows, columns] = False
    change, lifted, cast = np.ones((3, *missing.shape)) if lights is None else lights
    result = picture * change[..., None]
    if missing.any() and not missing.all():
        # What comes from elsewhere has the light of elsewhere.
        lit = (picture * lifted[..., None]).reshape(-1, 3)[mirrored(~missing)].reshape(picture.shape)
        result[missing] = (lit * cast[..., None])[missing]
    return np.clip(result, 0.0, 1.0)
