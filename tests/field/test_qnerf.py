from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from qnerf_core.errors import Cancelled, FieldError
from qnerf_core.field.qnerf import QNeRFTrainer
from qnerf_core.field.qnerf_training import depth_loss, query_loss
from qnerf_core.field.rays import Samples
from qnerf_core.field.settings import QNeRFSettings
from tests.field.analytic import BOUNDS, clean_queries, disturbed, orbit, relative_error, trace

SHAPES = [(24, 4, 4), (16, 8, 8), (12, 16, 16)]
# Ten views see each place few times: a coarser grid than the standard one averages over more of them.
SMALL = QNeRFSettings(
    iterations=8, warm_iterations=4, batch_rays=512, fine_features=16, hidden_width=16, grid_detail=1.5
)


@cache
def _queries(views: int = 10) -> tuple[list[Tensor], list[Tensor], Tensor]:
    cameras = orbit(views)
    clean = clean_queries(cameras, SHAPES)
    return clean, disturbed(clean, 0.7), trace(cameras, 64, 64)[0]


def _trainer(settings: QNeRFSettings = SMALL, seed: int = 0) -> QNeRFTrainer:
    return QNeRFTrainer(orbit(10), BOUNDS, SHAPES, settings, seed, _queries()[2])


def test_views_that_disagree_are_brought_together() -> None:
    clean, noisy, _ = _queries()
    trainer = _trainer()
    report = trainer.fit(noisy)
    assert len(report.losses) == 8
    assert not report.warm
    assert relative_error(trainer.render(), clean) < 0.75 * relative_error(noisy, clean)
    depth = trace(orbit(10), 16, 16)[0]
    error = (trainer.render_depth() - depth).abs()
    assert error.median() < 0.06
    assert error.quantile(0.9) < 0.25


def test_consistent_queries_are_kept_and_a_later_fit_starts_warm() -> None:
    clean, _, _ = _queries()
    trainer = _trainer()
    first = trainer.fit(clean)
    assert relative_error(trainer.render(), clean) < 0.4
    second = trainer.fit(clean)
    assert second.warm
    assert second.losses[-1] < first.losses[0]


def test_same_seed_same_bytes_and_resumed_is_exact() -> None:
    clean, noisy, _ = _queries()
    whole, resumed = _trainer(), _trainer()
    whole.fit(noisy)
    resumed.load_state_dict(whole.state_dict())
    for a, b in zip(whole.render(), resumed.render(), strict=True):
        assert torch.equal(a, b)
    for trainer in (whole, resumed):
        trainer.fit(clean)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_render_of_some_views() -> None:
    clean, _, _ = _queries()
    trainer = _trainer()
    trainer.fit(clean, 0)
    some, everything = trainer.render([7, 2]), trainer.render()
    for a, b in zip(some, everything, strict=True):
        torch.testing.assert_close(a, b[[7, 2]])
    assert trainer.render_depth([3]).shape == (1, 16, 16)


def test_cancelling_stops_at_once() -> None:
    seen: list[int] = []
    trainer = _trainer()
    fitting = trainer.fitting(_queries()[0], cancelled=lambda: len(seen) == 2)
    with pytest.raises(Cancelled):
        seen.extend(done for done, _ in fitting)
    assert seen == [1, 2]


def test_any_grid_without_depth() -> None:
    shapes = [(6, 3, 5), (5, 6, 10), (4, 5, 7)]
    cameras = orbit(3)
    queries = clean_queries(cameras, shapes)
    settings = QNeRFSettings(iterations=2, batch_rays=64, samples_without_depth=12, fine_features=8)
    trainer = QNeRFTrainer(cameras, BOUNDS, shapes, settings, 0)
    trainer.fit(queries)
    assert [tuple(maps.shape) for maps in trainer.render()] == [(3, *shape) for shape in shapes]
    assert trainer.render_depth().shape == (3, 6, 10)


def test_depth_is_not_used_where_it_is_not_valid() -> None:
    cameras = orbit(3)
    depth = torch.full((3, 8, 8), 0.3)
    trainer = QNeRFTrainer(cameras, BOUNDS, [(4, 8, 8)], SMALL, 0, depth, torch.zeros(3, 8, 8, dtype=torch.bool))
    trainer.fit(clean_queries(cameras, [(4, 8, 8)]), 1)
    assert trainer.render_depth().median() > 0.5


def test_wrong_input_is_named() -> None:
    trainer = _trainer()
    clean = _queries()[0]
    with pytest.raises(FieldError, match="shapes"):
        trainer.fit(clean[:2])
    with pytest.raises(FieldError, match="finite"):
        trainer.fit([maps * torch.nan for maps in clean])
    with pytest.raises(FieldError, match="box"):
        QNeRFTrainer(orbit(2), np.zeros((2, 3)), SHAPES, SMALL, 0)
    with pytest.raises(FieldError, match="other views"):
        trainer.load_state_dict({"fits": torch.tensor(1)})


def test_losses() -> None:
    given, wanted = torch.zeros(2, 4), torch.tensor([[1.0] * 4, [3.0] * 4])
    assert abs(float(query_loss(given, wanted, "norm")) - 2.0) < 1e-3
    assert float(query_loss(given, wanted, "squared")) == 5.0
    samples = Samples(torch.linspace(1, 2, 11)[None], torch.full((1, 11), 0.1))
    weights = torch.eye(11)
    losses = [
        float(depth_loss(weights[k : k + 1], samples, torch.tensor([1.5]), torch.tensor([True]), 0.05))
        for k in (0, 5, 10)
    ]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]
    assert float(depth_loss(weights[:1], samples, torch.tensor([1.5]), torch.tensor([False]), 0.05)) == 0
