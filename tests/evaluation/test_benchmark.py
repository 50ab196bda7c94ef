from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qnerf_core.evaluation.benchmark import MemorySampler, as_text, benchmark
from tests.editing.conftest import SHORT, inputs_of
from tests.tiny_models import builtin_like


def test_a_stage_is_charged_with_the_memory_it_took() -> None:
    with MemorySampler() as memory:
        memory.mark("before")
        block = np.ones(25_000_000)  # 200 MB
        memory.mark("large")
        del block
        memory.mark("after")
        memory.mark("later")
    assert memory.peaks["large"] - memory.peaks["before"] > 150e6
    assert memory.peaks["later"] < memory.peaks["large"] - 150e6


def test_the_printed_table_names_every_stage() -> None:
    text = as_text(
        {
            "views": 2,
            "image_size": [32, 64],
            "spec": {"diffusion": {"steps": 4}, "method": "qnerf"},
            "machine": {"torch_threads": 1},
            "seconds": 10.0,
            "peak_memory_mb": 500.0,
            "disk_mb": 1.0,
            "stages": {
                "kept": {"seconds": 7.5, "denoiser_calls": 16, "peak_memory_mb": 400.0},
                "qnerf": {"seconds": 2.5, "denoiser_calls": 0, "peak_memory_mb": 300.0},
            },
        }
    )
    assert "64 x 32 px" in text
    assert "75%" in text
    assert text.splitlines()[-1].split() == ["qnerf", "2.5", "25%", "0", "300"]


@pytest.mark.slow
def test_a_real_edit_is_measured_stage_by_stage(tmp_path: Path) -> None:
    spec = SHORT.model_copy(update={"backbone": str(builtin_like())})
    result = benchmark(spec, tmp_path / "run", load=lambda _: inputs_of(builtin_like()))
    assert {"encoding", "inversion", "kept", "guidance", "look-ahead", "qnerf", "decoding"} <= result["stages"].keys()
    assert result["stages"]["kept"]["denoiser_calls"] > 0
    assert sum(entry["seconds"] for entry in result["stages"].values()) == pytest.approx(result["seconds"], rel=0.05)
    assert 0 < result["stages"]["kept"]["peak_memory_mb"] <= 1.1 * result["peak_memory_mb"]
    assert as_text(result).count("\n") == 3 + len(result["stages"])
