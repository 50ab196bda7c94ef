from __future__ import annotations

import pytest
import torch

from qnerf_core.authoring.workers import Workers, is_first


def test_alone_a_worker_is_first_and_keeps_its_own_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    worker = Workers()
    layer = torch.nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    worker.average_gradients(layer)
    assert is_first()
    assert worker.agree(0.25) == 0.25
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad, torch.ones(1, 2))


def test_only_rank_zero_is_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert not is_first()
