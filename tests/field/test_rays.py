from __future__ import annotations

import torch

from qnerf_core.field.rays import (
    Rays,
    bin_centres,
    box_interval,
    camera_rays,
    masses_around_depth,
    samples_from_masses,
    stratified_places,
)
from tests.field.analytic import orbit


def test_rays_meet_their_pixels() -> None:
    camera = orbit(3)[1]
    rays = camera_rays([camera], 8, 4)
    points = rays.origins + 2.0 * rays.directions
    pixels, depth = camera.scaled(8, 4).project(points.numpy())
    torch.testing.assert_close(torch.from_numpy(depth).float(), 2.0 * rays.cosines, atol=1e-4, rtol=1e-4)
    assert abs(pixels[9] - [1.5, 1.5]).max() < 1e-3


def test_box_interval() -> None:
    rays = Rays(torch.tensor([[-2.0, 0.5, 0.5], [-2.0, 3.0, 0.5]]), torch.tensor([[1.0, 0.0, 0.0]] * 2), torch.ones(2))
    near, far = box_interval(rays, torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    torch.testing.assert_close(torch.stack([near[0], far[0]]), torch.tensor([2.0, 3.0]))
    assert far[1] < near[1]


def test_samples_stay_where_mass_is_and_stand_for_all_of_it() -> None:
    near, far = torch.tensor([1.0, 2.0]), torch.tensor([5.0, 1.0])
    centres = bin_centres(near, far)
    masses = ((centres > 2) & (centres < 3)).float() + ((centres > 4) & (centres < 4.5)).float()
    masses[1] = 1
    samples = samples_from_masses(near, far, masses, stratified_places(2, 48, torch.Generator().manual_seed(0)))
    place = samples.distances[0]
    assert (((place > 2) & (place < 3)) | ((place > 4) & (place < 4.5))).all()
    torch.testing.assert_close(samples.lengths[0].sum(), torch.tensor(1.5), atol=0.05, rtol=0)
    assert (samples.lengths[1] == 0).all()


def test_masses_stop_behind_a_known_surface() -> None:
    near, far = torch.zeros(2), torch.full((2,), 4.0)
    centres = bin_centres(near, far)
    occupied = (centres > 0.5) & (centres < 1.0) | (centres > 3)
    target, known = torch.full((2,), 2.0), torch.tensor([True, False])
    masses = masses_around_depth(centres, occupied, target, known, 0.2, 0.75)
    around = (centres[0] - 2).abs() <= 0.2
    torch.testing.assert_close(masses[0, around].sum(), torch.tensor(0.75))
    torch.testing.assert_close(masses[0, centres[0] < 1].sum(), torch.tensor(0.25))
    assert masses[0, centres[0] > 2.2].sum() == 0
    assert ((masses[1] > 0) == occupied[1]).all()
