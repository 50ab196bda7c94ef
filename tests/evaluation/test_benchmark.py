from __future__ import annotations

import numpy as np

from qnerf_core.evaluation.benchmark import MemorySampler, as_text


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
