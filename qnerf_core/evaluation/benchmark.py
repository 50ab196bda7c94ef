"""Where the time and the memory of an edit go (``make bench``).

``python -m qnerf_core.evaluation.benchmark`` runs one edit in a fresh folder and prints, per stage, the seconds, the
share, the network's calls and the highest memory seen. The same goes to a JSON file.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch

from qnerf_core import files
from qnerf_core.editing.events import Event, StageProgress
from qnerf_core.editing.inputs import EditInputs, prepare
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import StudioError
from qnerf_core.evaluation.running import finish_run
from qnerf_core.runs.provenance import versions

SAMPLE_SECONDS = 0.02
LOADING = "loading"


class MemorySampler:
    """Watches the process's resident memory from a thread and says what each stage reached."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._highest = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peaks: dict[str, int] = {}

    def __enter__(self) -> MemorySampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            resident = self._process.memory_info().rss
            with self._lock:
                self._highest = max(self._highest, resident)

    def mark(self, stage: str) -> None:
        """Count what was seen since the last mark as the stage's."""
        resident = self._process.memory_info().rss
        with self._lock:
            highest, self._highest = max(self._highest, resident), resident
        self.peaks[stage] = max(self.peaks.get(stage, 0), highest)


def benchmark(spec: EditSpec, folder: Path, load: Callable[[EditSpec], EditInputs] = prepare) -> dict[str, Any]:
    """Run an edit from its beginning and measure it.

    Args:
        spec: The edit.
        folder: A new or empty folder for the run.
        load: Makes the inputs of a spec.

    Returns:
        JSON: machine, settings, and per stage seconds, calls and peak memory (MB of 10^6 bytes).

    Raises:
        StudioError: The edit failed, or something it needs is missing.
    """
    with MemorySampler() as memory:

        def on_event(event: Event) -> None:
            # A stage reports its progress after the work, so what was seen since the last report is its own.
            memory.mark(event.stage if isinstance(event, StageProgress) else LOADING)

        began = time.perf_counter()
        run = finish_run(spec, folder, on_event, load)
        total = time.perf_counter() - began
    seconds: Mapping[str, float] = run.info["seconds"]
    calls: Mapping[str, int] = run.info["denoiser_calls"]
    stages = {
        stage: {
            "seconds": seconds.get(stage, 0.0),
            "denoiser_calls": calls.get(stage, 0),
            "peak_memory_mb": memory.peaks.get(stage, 0) / 1e6,
        }
        for stage in sorted(seconds.keys() | (memory.peaks.keys() - {LOADING}), key=lambda s: -seconds.get(s, 0.0))
    }
    stages["loading and writing"] = {
        "seconds": max(total - sum(seconds.values()), 0.0),
        "denoiser_calls": 0,
        "peak_memory_mb": memory.peaks.get(LOADING, 0) / 1e6,
    }
    return {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "torch_threads": torch.get_num_threads(),
            "memory_mb": psutil.virtual_memory().total / 1e6,
            "cuda": torch.cuda.is_available(),
        },
        "versions": versions(),
        "spec": run.info["spec"],
        "views": len(run.views),
        "image_size": run.info["image_size"],
        "seconds": total,
        "peak_memory_mb": run.info["peak_memory_mb"],
        "stages": stages,
        "disk_mb": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
    }


def as_text(result: Mapping[str, Any]) -> str:
    """A benchmark as a table to print."""
    lines = [
        f"{result['views']} views of {result['image_size'][1]} x {result['image_size'][0]} px, "
        f"{result['spec']['diffusion']['steps']} steps, method {result['spec']['method']}, "
        f"{result['machine']['torch_threads']} threads: {result['seconds']:.1f} s, "
        f"peak {result['peak_memory_mb']:.0f} MB, {result['disk_mb']:.1f} MB on disk",
        "",
        f"{'stage':<22}{'seconds':>10}{'share':>8}{'calls':>8}{'peak MB':>10}",
    ]
    for stage, entry in result["stages"].items():
        share = entry["seconds"] / result["seconds"]
        lines.append(
            f"{stage:<22}{entry['seconds']:>10.1f}{share:>8.0%}{entry['denoiser_calls']:>8}{entry['peak_memory_mb']:>10.0f}"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qnerf_core.evaluation.benchmark", description=__doc__)
    parser.add_argument("--scene", default="person")
    parser.add_argument("--edit", default="raise-arms")
    parser.add_argument("--views", type=int)
    parser.add_argument("--backbone", default="builtin")
    parser.add_argument("--method", choices=("qnerf", "independent"), default="qnerf")
    parser.add_argument("--out", type=Path, default=Path("outputs/benchmark.json"))
    options = parser.parse_args(arguments)
    spec = EditSpec(
        scene=options.scene, edit=options.edit, views=options.views, backbone=options.backbone, method=options.method
    )
    try:
        with tempfile.TemporaryDirectory(prefix="qnerf-bench-") as folder:
            result = benchmark(spec, Path(folder) / "run")
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    files.write_json(options.out, result)
    sys.stdout.write(as_text(result))
    sys.stderr.write(f"written: {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
