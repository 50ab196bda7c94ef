from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from qnerf_core.diffusion.backbone import Backbone
from tests.tiny_models import model_folders


@cache
def loaded(folder: Path) -> Backbone:
    return Backbone.load(folder)


@pytest.fixture(params=model_folders(), ids=lambda folder: folder.name)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return loaded(request.param)


@pytest.fixture(params=[folder for folder in model_folders() if "like" in folder.name], ids=lambda folder: folder.name)
def tiny_backbone(request: pytest.FixtureRequest) -> Backbone:
    return loaded(request.param)


@pytest.fixture
def noise() -> Callable[..., torch.Tensor]:
    def draw(*shape: int, seed: int = 0) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))

    return draw


@pytest.fixture
def pictures() -> Callable[..., torch.Tensor]:
    """Smooth pictures in [0, 1], another one for every view."""

    def draw(views: int, size: int, seed: int = 0) -> torch.Tensor:
        coarse = torch.rand((views, 3, 4, 4), generator=torch.Generator().manual_seed(seed))
        return torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic").clamp(0.0, 1.0)

    return draw
