"""Runs on disk as the run store writes them, made in moments, finished step by step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from PySide6.QtCore import QObject, Signal

from app.job_requests import export_job
from app.job_state import Job, Kind, State
from qnerf_core import files
from qnerf_core.editing.spec import EditSpec
from qnerf_core.scene.capture import load_capture

TAU = 2
START = 1_790_000_000.0


class FakeQueue(QObject):
    """A queue that computes nothing: tests say what has become of a job."""

    jobsChanged = Signal()
    jobUpdated = Signal(str)
    jobEvent = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []

    def put(self, kind: Kind, folder: Path, request: dict[str, Any], state: State = "queued") -> Job:
        job = Job(f"job{len(self.jobs)}", kind, f"{kind} {folder.name}", folder, request, state)
        self.jobs.append(job)
        self.jobsChanged.emit()
        return job

    def job(self, job_id: str) -> Job | None:
        return next((job for job in self.jobs if job.id == job_id), None)

    def cancel(self, job_id: str) -> None:
        job = self.job(job_id)
        assert job is not None
        job.state = "cancelled"
        self.jobsChanged.emit()

    def submit_export(self, run: Path, parts: set[str], out: Path, interval: int | None = None) -> Job:
        job = export_job(run, parts, out, interval)
        self.jobs.append(job)
        self.jobsChanged.emit()
        return job

    def submit_fit(self, source: str | Path, out: Path) -> Job:
        return self.put("fit", out, {"source": str(source)})


class FakeRun:
    def __init__(self, path: Path, views: int = 4, intervals: int = 3, size: int = 64, seed: int = 0) -> None:
        self.path = path
        scene = load_capture("person").scene
        self.views = tuple(view.name for view in scene.training_views[:views])
        self.count = intervals
        self.size = size
        self.seed = seed
        steps = intervals * TAU
        spec = EditSpec(scene="person", edit="raise-arms", views=self.views, tau=TAU, seed=seed)
        self.spec = spec.model_copy(update={"diffusion": spec.diffusion.model_copy(update={"steps": steps})})
        self.plan = [
            {
                "index": index,
                "start": index * TAU,
                "stop": (index + 1) * TAU,
                "guided": [index * TAU, (index + 1) * TAU] if 0 < index < intervals - 1 else [index * TAU, index * TAU],
                "look_ahead": [],
            }
            for index in range(intervals)
        ]
        self.info: dict[str, Any] = {
            "version": 1,
            "status": "new",
            "created": START,
            "spec": self.spec.model_dump(mode="json"),
            "seed": seed,
            "model": {"backbone": "builtin", "sha256": "0" * 64},
            "versions": {"qnerf-studio": "0.1.0"},
            "sessions": [],
            "steps_done": 0,
            "interrupted": False,
        }
        self.write()

    def write(self, **changes: Any) -> None:
        self.info.update(changes)
        files.write_json(self.path / "run.json", self.info)
        files.write_json(self.path / "spec.json", self.info["spec"])

    def log(self, event: str, **content: Any) -> None:
        with (self.path / "events.jsonl").open("a") as file:
            file.write(json.dumps({"event": event, "time": START, "run_id": "fake", **content}) + "\n")

    def start(self) -> FakeRun:
        self.write(
            status="running",
            views=self.views,
            intervals=self.plan,
            timesteps=list(range(self.count * TAU)),
            query_layers=["a", "b"],
            query_shapes=[[8, 4, 4], [4, 8, 8]],
            prompt="a person",
            image_size=[self.size, self.size],
        )
        self.log("RunStarted")
        return self

    def progress(self, stage: str, interval: int | None, step: int | None, done: int, fraction: float) -> None:
        self.log(
            "StageProgress",
            stage=stage,
            interval=interval,
            intervals=self.count,
            step=step,
            views_done=done,
            views=len(self.views),
            fraction=fraction,
        )

    def picture(self, view: str, interval: int) -> np.ndarray:
        """Its colour says the interval, its number the view."""
        level = round(255 * (interval + 1) / (self.count + 1))
        image = Image.new("RGB", (self.size, self.size), (level, self.seed * 60 % 256, 255 - level))
        ImageDraw.Draw(image).text((4, 4), f"{view} {interval}", fill=(255, 255, 255))
        return np.asarray(image)

    def finish_interval(self, index: int, *, maps: bool = True) -> None:
        folder = self.path / "intervals" / f"{index:02d}"
        folder.mkdir(parents=True)
        (folder / "previews").mkdir()
        (folder / "latents.safetensors").write_bytes(b"latents")
        for view in self.views:
            Image.fromarray(self.picture(view, index)).save(folder / "previews" / f"{view}.jpg", quality=92)
        fitted = index < self.count - 2
        share = 0.3 / (index + 1)
        if fitted:
            losses = [1.0 / (1 + 0.1 * step + index) for step in range(10)]
            recorded, rendered = [share, share * 1.1], [share * 0.6, share * 0.5]
            self.log(
                "FieldFitted",
                interval=index,
                step=(index + 1) * TAU,
                losses=losses,
                layer_errors=[0.5, 0.5],
                disagreement=recorded,
                rendered_disagreement=rendered,
            )
            if maps:
                write_maps(folder / "maps.npz", len(self.views))
        files.write_json(
            folder / "info.json",
            {
                "interval": index,
                "steps_done": (index + 1) * TAU,
                "files": {},
                "qnerf": None,
                "disagreement": [share, share * 1.2],
                "guidance_loss": 3.0 / index if self.plan[index]["guided"][0] < self.plan[index]["guided"][1] else None,
                "seconds": {"kept": 2.0, "decoding": 0.5},
            },
        )
        self.log("IntervalFinished", interval=index)
        self.write(steps_done=(index + 1) * TAU)

    def finish(self) -> FakeRun:
        for index in range(self.count):
            if not (self.path / "intervals" / f"{index:02d}").exists():
                self.finish_interval(index)
        settings = {"spec": self.info["spec"], "seed": self.seed, "model": self.info["model"]}
        for view in self.views:
            text = {"qnerf-studio": json.dumps({"view": view, **settings})}
            files.write_image(self.path / "edited" / f"{view}.png", self.picture(view, self.count), text=text)
        self.log("RunFinished")
        self.write(status="finished", finished=START + 60, steps_done=self.count * TAU, seconds={"kept": 10.0})
        return self


def write_maps(path: Path, views: int) -> None:
    random = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {"depth": random.uniform(2, 4, (views, 8, 8)).astype(np.float16)}
    for layer, side in enumerate((4, 8)):
        arrays[f"recorded_{layer}"] = random.integers(0, 256, (views, side, side, 3), dtype=np.uint8)
        arrays[f"rendered_{layer}"] = random.integers(0, 256, (views, side, side, 3), dtype=np.uint8)
        arrays[f"disagreement_{layer}"] = random.uniform(0, 0.4, (views, side, side)).astype(np.float16)
    np.savez(path, **arrays)  # type: ignore[arg-type]


def finished_run(path: Path, views: int = 4, intervals: int = 3, size: int = 64, seed: int = 0) -> FakeRun:
    return FakeRun(path, views, intervals, size, seed).start().finish()
