"""A radiance field of images: for export, and for asking whether the views of an edit agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from qnerf_core import files
from qnerf_core.errors import Cancelled, FieldError
from qnerf_core.field.qnerf_training import depth_loss
from qnerf_core.field.radiance_network import RadianceNetwork
from qnerf_core.field.rays import Rays, Samples, camera_rays
from qnerf_core.field.settings import RadianceSettings
from qnerf_core.field.worst_rays import WorstRays
from qnerf_core.scene.camera import Camera

_CHUNK = 4096
_FORMAT = "qnerf-studio radiance field 1"
_DEPTH_SIGMA = 0.01
_SMALLEST = 48
_LAST_LOOKS = 8


@dataclass(frozen=True, eq=False)
class Rendering:
    """A rendered view.

    Attributes:
        rgb: (3, H, W) in [0, 1].
        depth: (H, W) expected depth along the viewing axis, metres.
        accumulation: (H, W) opacity in [0, 1].
    """

    rgb: Tensor
    depth: Tensor
    accumulation: Tensor


class RadianceField:
    """A trained field, to be rendered, asked and saved."""

    def __init__(self, network: RadianceNetwork) -> None:
        self.network = network

    @property
    def bounds(self) -> np.ndarray:
        """The box of the scene, (2, 3) float64, metres."""
        return self.network.bounds.numpy().astype(np.float64)

    @torch.no_grad()
    def render(self, camera: Camera, check: Callable[[], None] = lambda: None) -> Rendering:
        """Render a view.

        Args:
            camera: From where, and how large.
            check: Called before every chunk of rays; raises to stop.
        """
        rays = camera_rays([camera], camera.width, camera.height)
        parts = []
        for start in range(0, len(rays), _CHUNK):
            check()
            parts.append(self.network.render(rays[start : start + _CHUNK], None))
        shape = (camera.height, camera.width)
        rgb = torch.cat([part.rgb for part in parts]).T.reshape(3, *shape)
        depth = torch.cat([part.distance for part in parts]) * rays.cosines
        opacity = torch.cat([part.opacity for part in parts])
        return Rendering(rgb.contiguous(), depth.view(shape), opacity.view(shape))

    @torch.no_grad()
    def density(self, points: np.ndarray) -> np.ndarray:
        """Return the density at points.

        Args:
            points: (N, 3) world positions, metres.

        Returns:
            (N,) float32, per metre.
        """
        density, _ = self.network.density(torch.from_numpy(np.asarray(points, dtype=np.float32)))
        return density.numpy()

    @torch.no_grad()
    def colour(self, points: np.ndarray) -> np.ndarray:
        """Return the colour at points, without what depends on the direction they are seen from.

        Args:
            points: (N, 3) world positions, metres.

        Returns:
            (N, 3) float32 RGB in [0, 1].
        """
        places = torch.from_numpy(np.asarray(points, dtype=np.float32))
        return self.network.colours(self.network.density(places)[1], torch.zeros_like(places)).numpy()

    def save(self, path: Path | str) -> None:
        """Write the field as safetensors, with its settings and bounds as JSON in the metadata.

        Args:
            path: File, usually *.safetensors.
        """
        header = {"format": _FORMAT, "settings": self.network.settings.model_dump(mode="json")}
        state = {name: value.contiguous() for name, value in self.network.state_dict().items()}
        files.write_bytes(Path(path), safetensors.torch.save(state, {"qnerf_studio": json.dumps(header)}))

    @staticmethod
    def load(path: Path | str) -> RadianceField:
        """Read a saved field.

        Args:
            path: File.

        Raises:
            FieldError: If it cannot be read as one.
        """
        try:
            with safetensors.safe_open(path, framework="pt") as stored:
                header = json.loads((stored.metadata() or {})["qnerf_studio"])
                state = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  # not a dict
            if header["format"] != _FORMAT:
                raise FieldError("The radiance field cannot be read", f"its format is {header['format']}")
            network = RadianceNetwork(state["bounds"].numpy(), RadianceSettings.model_validate(header["settings"]))
            network.load_state_dict(state)
        except (OSError, KeyError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            # pydantic's and json's errors are ValueErrors.
            raise FieldError("The radiance field cannot be read", f"{path}: {error}", "fit it again") from error
        return RadianceField(network)


def fit_radiance_field(
    cameras: Sequence[Camera],
    images: Tensor,
    bounds: np.ndarray,
    settings: RadianceSettings,
    seed: int,
    depth: Tensor | None = None,
    progress: Callable[[int, int, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> RadianceField:
    """Train a radiance field on images.

    Args:
        cameras: V views.
        images: (V, 3, H, W) in [0, 1].
        bounds: (2, 3) box of the scene, metres; what lies outside is painted on its inside.
        settings: How to build and train.
        seed: Everything random follows from it.
        depth: (V, H', W') along the viewing axes, metres, 0 where unknown; used if settings.depth_weight is not zero.
        progress: Called with the iteration, their number and the loss.
        cancelled: Asked before every iteration.

    Returns:
        The field.

    Raises:
        FieldError: If images and cameras do not fit together.
        Cancelled: When `cancelled` says so.
    """
    if images.ndim != 4 or images.shape[1] != 3 or len(images) != len(cameras):
        raise FieldError("The images do not fit the cameras", f"{tuple(images.shape)}, {len(cameras)} cameras")
    # Unvisited features decay into denormals, on which the CPU is many times slower; see QNeRFTrainer.fit.
    torch.set_flush_denormal(True)
    generator = torch.Generator().manual_seed(seed)
    network = RadianceNetwork(bounds, settings)
    network.reset(generator)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, eps=1e-12, fused=True)
    stages = _stages(settings.iterations, min(images.shape[2:]))
    drawn = WorstRays(len(images), settings.worst_share)
    done = 0
    for iterations, divisor in stages:
        pixels = _pixels(cameras, images, depth if settings.depth_weight else None, divisor)
        drawn.resize(*pixels.size)
        for _ in range(iterations):
            if cancelled is not None and cancelled():
                raise Cancelled
            if done and done % settings.occupancy_interval == 0:
                network.refresh_known_density(generator)
            falling = 0.5 * (1 + cos(pi * done / settings.iterations))
            optimiser.param_groups[0]["lr"] = settings.learning_rate * max(falling, 1 / 30)
            chosen = drawn.draw(settings.batch_rays, generator)
            loss, errors = _loss(network, pixels, chosen, generator)
            drawn.note(chosen, errors)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            done += 1
            if progress is not None:
                progress(done, settings.iterations, float(loss.detach()))
    # Every look is at one place of each cell, and may miss what is thinner.
    for _ in range(_LAST_LOOKS):
        network.refresh_known_density(generator)
    network.requires_grad_(False)
    return RadianceField(network)


def _stages(iterations: int, size: int) -> list[tuple[int, int]]:
    # Blurred images first: geometry forms from them in a few passes over few pixels. Small ones have no blur to spare.
    third = iterations // 3
    divisors = [max(1, min(most, size // _SMALLEST)) for most in (4, 2, 1)]
    return list(zip((third, third, iterations - 2 * third), divisors, strict=True))


@dataclass(frozen=True, eq=False)
class _Pixels:
    size: tuple[int, int]
    rays: Rays
    colours: Tensor
    target: Tensor | None


def _pixels(cameras: Sequence[Camera], images: Tensor, depth: Tensor | None, divisor: int) -> _Pixels:
    height, width = max(1, images.shape[2] // divisor), max(1, images.shape[3] // divisor)
    small = F.interpolate(images.to(torch.float32), (height, width), mode="area")
    rays = camera_rays(cameras, width, height)
    target = None
    if depth is not None:
        nearest = F.interpolate(depth[:, None].to(torch.float32), (height, width), mode="nearest-exact")
        target = nearest.flatten() / rays.cosines
    return _Pixels((height, width), rays, small.permute(0, 2, 3, 1).reshape(-1, 3), target)


def distortion_loss(weights: Tensor, samples: Samples, scale: float) -> Tensor:
    """Return the distortion loss of mip-NeRF 360 (equation 15), which gathers the weights of a ray in one place.

    Args:
        weights: (rays, samples).
        samples: Distances, ascending, and lengths, metres.
        scale: Length that counts as one, metres.

    Returns:
        The mean over rays.
    """
    middle, length = samples.distances / scale, samples.lengths / scale
    # Pairs i > j by running sums: sum_i w_i (m_i sum_j w_j - sum_j w_j m_j).
    mass = torch.cumsum(weights, -1) - weights
    moment = torch.cumsum(weights * middle, -1) - weights * middle
    between = 2 * (weights * (middle * mass - moment)).sum(-1)
    within = (weights.square() * length).sum(-1) / 3
    return (between + within).mean()


def _loss(
    network: RadianceNetwork, pixels: _Pixels, chosen: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The loss, and each ray's square error of colour."""
    settings = network.settings
    rendered = network.render(pixels.rays[chosen], generator)
    errors = (rendered.rgb - pixels.colours[chosen]).square().mean(-1)
    loss = errors.mean()
    if settings.distortion_weight:
        samples = Samples(rendered.samples.distances, rendered.samples.lengths.clamp(max=network.extent))
        loss = loss + settings.distortion_weight * distortion_loss(rendered.weights, samples, network.extent)
    if pixels.target is not None:
        target = pixels.target[chosen]
        sigma = _DEPTH_SIGMA * network.extent
        loss = loss + settings.depth_weight * depth_loss(rendered.weights, rendered.samples, target, target > 0, sigma)
    return loss, errors.detach()
