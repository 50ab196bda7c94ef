"""Drafts: the photos with the subject moved as the control moves it, before any diffusion.

The control is a surface in space, before and after the edit. A pixel of the edited view shows a spot of it, and some
photo shows the same spot: first the view's own, whose light and lens are the same, else the nearest camera's that does.
What the subject leaves is seen from elsewhere, too. The surface is only nearly the subject's - clothes stand off a
body, a proxy is loose - so a draft has seams, wrong light and missing parts: the diffusion starts from it with noise
and repairs them (SDEdit, Meng et al. 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree

from qnerf_core.diffusion.correspondence import mirrored
from qnerf_core.editing.seen_surface import SeenSurface
from qnerf_core.editing.subject import Subject
from qnerf_core.scene.camera import Camera

_REFERENCE_SIZE = 256
# Pixels of a 256 px picture: the most by which a subject is seen to stand off its mesh, the rim of a mask whose
# colours are mixed, and what a mask may miss.
_OFF_MESH, _RIM, _MISSED = 16.0, 1.0, 2.0
# A spot this near, as a share of the subject's size, is the same.
_SAME_SPOT = 0.012
# Other cameras that are asked for what a view hides.
_OTHERS = 8
# Pixels' widths by which the place changes from pixel to pixel where the mesh is seen too flatly to give its colour,
# and how many times that where another part begins.
_STEEP, _JUMP = 4.0, 4.0
# Pixels' widths by which a place may change where nothing moves.
_STILL = 0.5
# Radius of what is too small to be seen of the subject beside its mesh, pixels of a 256 px picture.
_GRAIN = 1.0
# Share of the largest part of the subject that a part has to have that lies apart from it.
_CRUMB = 0.03


def drafts(
    subject: Subject,
    cameras: Sequence[Camera],
    images: torch.Tensor,
    figures: Sequence[np.ndarray],
    boundaries: Sequence[np.ndarray],
) -> torch.Tensor:
    """Make the drafts of all views.

    Args:
        subject: What is edited, with its places.
        cameras: V cameras of the pictures' size.
        images: (V, 3, H, W) in [0, 1], the photos.
        figures: V times (H, W) bool, what the subject covers in them.
        boundaries: V times (H, W), depth of the scene without its subject, metres, 0 where it is not known.

    Returns:
        (V, 3, H, W).

    Raises:
        ValueError: The subject has no places.
    """
    if subject.places is None:
        raise ValueError("what of the one state is what of the other is not known")
    photos = [
        _Photo.of(camera, image, figure, subject)
        for camera, image, figure in zip(cameras, images.permute(0, 2, 3, 1).numpy(), figures, strict=True)
    ]
    size = float(np.linalg.norm(np.ptp(subject.places[0], axis=0)))
    result = np.empty((len(photos), *images.shape[2:], 3), dtype=np.float32)
    for index, photo in enumerate(photos):
        others = [photos[other] for other in _nearest_first(cameras, index)[:_OTHERS]]
        picture = _without_subject(photo, others, boundaries[index])
        shown, colours = _moved(photo, others, subject, _SAME_SPOT * size)
        result[index] = np.where(shown[..., None], colours, picture)
    return torch.from_numpy(result).permute(0, 3, 1, 2).contiguous()


def _nearest_first(cameras: Sequence[Camera], index: int) -> list[int]:
    away = [float(np.linalg.norm(camera.position - cameras[index].position)) for camera in cameras]
    return [int(other) for other in np.argsort(away, kind="stable") if other != index]


@dataclass(frozen=True, eq=False)
class _Givers:
    """Pixels of a photo that are alike.

    Attributes:
        pixels: (N, 2) rows and columns.
        tree: Of what they show, None if there are none.
    """

    pixels: np.ndarray
    tree: cKDTree | None

    @classmethod
    def of(cls, spots: np.ndarray, where: np.ndarray) -> _Givers:
        """Of the pixels (H, W) bool of (H, W, C)."""
        return cls(np.argwhere(where), cKDTree(spots[where]) if where.any() else None)


@dataclass(frozen=True, eq=False)
class _Photo:
    """What a photo gives.

    Attributes:
        camera: Its camera.
        image: (H, W, 3).
        figure: (H, W) bool, where the subject is.
        covered: (H, W) bool, where it may be.
        colours: (H, W, 3), of the subject not mixed with its background's.
        scale: Metres that a pixel is wide at the subject.
        spots: (H, W, 4) metres: places on the subject, and how far off the mesh.
        on_mesh: Pixels that show the mesh, by the place on the subject.
        beside: Pixels beside the mesh, by place and how far off it, metres.
    """

    camera: Camera
    image: np.ndarray
    figure: np.ndarray
    covered: np.ndarray
    colours: np.ndarray
    scale: float
    spots: np.ndarray
    on_mesh: _Givers
    beside: _Givers

    @classmethod
    def of(cls, camera: Camera, image: np.ndarray, figure: np.ndarray, subject: Subject) -> _Photo:
        assert subject.places is not None
        pixel = max(figure.shape) / _REFERENCE_SIZE
        scale = float(np.linalg.norm(subject.source[0].mean(axis=0) - camera.position)) / camera.fx
        seen = SeenSurface.of(subject.source, subject.places[0], camera)
        spots = _off_mesh(seen, scale)
        inner = ndimage.distance_transform_edt(figure) > _RIM * pixel
        colours = image
        if inner.any():
            nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
            colours = np.where(figure[..., None], image[tuple(nearest)], image)
        on_mesh = (seen.away == 0) & ~_grazing(seen, scale)
        if subject.control == "skeleton":
            # A body is meant to be the subject's; a proxy is larger, and what is seen through it is not the subject.
            on_mesh &= figure
        return cls(
            camera,
            image,
            figure,
            ndimage.distance_transform_edt(~figure) <= _MISSED * pixel if figure.any() else figure,
            colours,
            scale,
            spots,
            _Givers.of(seen.places, on_mesh),
            _Givers.of(spots, seen.beside(_OFF_MESH * pixel) & ~_between(seen, scale)),
        )


def _grazing(seen: SeenSurface, scale: float) -> np.ndarray:
    """(H, W) bool, where the place changes by more than a few pixels' width from pixel to pixel."""
    steps = np.zeros(seen.away.shape)
    for axis in (0, 1):
        step = np.linalg.norm(np.diff(seen.places, axis=axis), axis=-1)
        for side in ((1, 0), (0, 1)):
            steps = np.maximum(steps, np.pad(step, [side if axis == n else (0, 0) for n in (0, 1)]))
    return np.asarray(steps > _STEEP * scale)


def _between(seen: SeenSurface, scale: float) -> np.ndarray:
    """(H, W) bool, beside the mesh and nearly as near to another part of it."""
    jumps = _grazing(seen, _JUMP * scale) & (seen.away > 0)
    if not jumps.any():
        return jumps
    return np.asarray(ndimage.distance_transform_edt(~jumps) < 0.5 * seen.away + 1)


def _off_mesh(seen: SeenSurface, scale: float) -> np.ndarray:
    """(H, W, 4) metres: places on the subject, and how far off the mesh."""
    away = np.where(np.isfinite(seen.away), seen.away, 0.0)
    return np.concatenate([seen.places, away[..., None] * scale], axis=-1, dtype=np.float32)


def _moved(photo: _Photo, others: Sequence[_Photo], subject: Subject, same: float) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) bool, where the subject will be, and (H, W, 3) its colours."""
    assert subject.places is not None
    seen = SeenSurface.of(subject.target, subject.places[1], photo.camera)
    givers = [photo, *others]
    pixel = max(seen.away.shape) / _REFERENCE_SIZE
    shown, colours = np.zeros(seen.away.shape, dtype=bool), np.zeros((*seen.away.shape, 3), dtype=np.float32)
    on_mesh, beside = seen.away == 0, seen.beside(_OFF_MESH * pixel)
    asked = [(on_mesh, seen.places, [giver.on_mesh for giver in givers])]
    if subject.control == "skeleton":
        asked.append((beside, _off_mesh(seen, photo.scale), [giver.beside for giver in givers]))
    for where, spots, pools in asked:
        giver, pixels, off = _find(spots[where], pools, same)
        for number in range(len(givers)):
            chosen = (giver == number) & ((off <= same) | on_mesh[where])
            at = np.argwhere(where)[chosen]
            rows, columns = pixels[chosen].T
            shown[tuple(at.T)] = givers[number].figure[rows, columns]
            colours[tuple(at.T)] = givers[number].colours[rows, columns]
    shown = _without_crumbs(shown, on_mesh if subject.control == "skeleton" else None, pixel)
    moved = np.linalg.norm(_off_mesh(seen, photo.scale) - photo.spots, axis=-1) > _STILL * photo.scale
    return np.where(moved, shown, photo.figure), np.where(moved[..., None], colours, photo.image)


def _without_crumbs(shown: np.ndarray, certain: np.ndarray | None, pixel: float) -> np.ndarray:
    """Without what is too small and too far from the rest to be the subject's, but for what is certain (H, W)."""
    solid = shown & ndimage.median_filter(shown, 2 * round(_GRAIN * pixel) + 1)
    if certain is not None:
        solid |= shown & certain
    labels, count = ndimage.label(solid, structure=np.ones((3, 3)))
    if not count:
        return solid
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= _CRUMB * sizes.max())[labels])


def _find(spots: np.ndarray, pools: Sequence[_Givers], same: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which giver, -1 for none, and which of its pixels show each spot (N, C), and how nearly."""
    best = np.full(len(spots), np.inf)
    giver, pixels = np.full(len(spots), -1), np.zeros((len(spots), 2), dtype=np.int64)
    for number, pool in enumerate(pools):
        asking = np.flatnonzero(best > same)
        if not len(asking):
            break
        if pool.tree is None:
            continue
        away, found = pool.tree.query(spots[asking])
        better = away < best[asking]
        chosen = asking[better]
        best[chosen], giver[chosen], pixels[chosen] = away[better], number, pool.pixels[found[better]]
    return giver, pixels, best


def _without_subject(photo: _Photo, others: Sequence[_Photo], boundary: np.ndarray) -> np.ndarray:
    """(H, W, 3) photo with what is behind the subject, as others see it, or mirrored across its outline."""
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
        rows, columns, at = rows[free], columns[free], at[free]
        picture[rows, columns] = other.image[at[:, 1], at[:, 0]]
        missing[rows, columns] = False
    if missing.any() and not missing.all():
        picture[missing] = picture.reshape(-1, 3)[mirrored(~missing)].reshape(picture.shape)[missing]
    return picture
