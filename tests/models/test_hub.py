from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from qnerf_core.errors import BackboneError, Cancelled
from qnerf_core.models.hub import choose_files, fetch, plan_download

COMMIT = "a" * 40
FILES = {
    "config.json": b"{}",
    "diffusion_pytorch_model.safetensors": b"weights" * 1000,
    "diffusion_pytorch_model.fp16.safetensors": b"half" * 1000,
    "diffusion_pytorch_model.bin": b"pickle",
    "README.md": b"words",
}


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download needs."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/models/someone/tiny"):
            siblings = [{"rfilename": name, "size": len(body)} for name, body in FILES.items()]
            self._send(json.dumps({"id": "someone/tiny", "sha": COMMIT, "siblings": siblings}).encode(), with_body)
            return
        name = path.rsplit("/", 1)[-1]
        if "/resolve/" not in path or name not in FILES:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if with_body:
            type(self).asked.append(f"{name} {self.headers.get('Range', 'whole')}")
        body = FILES[name]
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self._send(body[start:], with_body, 206 if start else 200, hashlib.sha256(body).hexdigest(), len(body))

    def _send(self, body: bytes, with_body: bool, status: int = 200, tag: str = "", whole: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        if tag:
            self.send_header("ETag", f'"{tag}"')
        if status == 206:
            self.send_header("Content-Range", f"bytes {whole - len(body)}-{whole - 1}/{whole}")
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # The tests run offline; this hub is on this machine.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_a_download_takes_is_told_before_and_it_goes_on_where_it_stopped(hub: str, tmp_path: Path) -> None:
    plan = plan_download("someone/tiny", tmp_path, endpoint=hub)
    assert plan.target == tmp_path / "tiny"
    assert set(plan.missing) == {"config.json", "diffusion_pytorch_model.safetensors"}
    assert (plan.size, Hub.asked, list(tmp_path.iterdir())) == (7002, [], [])
    seen: list[str] = []
    with pytest.raises(Cancelled, match="kept"):
        fetch(plan, lambda _, name: seen.append(name), lambda: len(seen) == 1, endpoint=hub)
    rest = plan_download("someone/tiny", tmp_path, endpoint=hub)
    assert rest.missing == ("diffusion_pytorch_model.safetensors",)
    assert fetch(rest, endpoint=hub) == plan.target
    assert {name: (plan.target / name).read_bytes() for name in plan.sizes} == {
        name: FILES[name] for name in plan.sizes
    }
    assert plan_download("someone/tiny", tmp_path, endpoint=hub).size == 0


def test_a_repository_that_is_not_there_is_an_error_of_ours(hub: str, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="no such repository"):
        plan_download("someone/else", tmp_path, endpoint=hub)
    with pytest.raises(BackboneError, match="Check the network"):
        plan_download("someone/tiny", tmp_path, endpoint="http://127.0.0.1:9")


def test_of_a_base_only_its_parts_are_fetched() -> None:
    parts = ("unet", "vae", "text_encoder")
    names = ["model_index.json", "v1-5-pruned.safetensors", "safety_checker/model.safetensors", "unet/config.json"]
    names += [f"{part}/diffusion_pytorch_model.{end}" for part in parts for end in ("bin", "safetensors")]
    names += ["unet/diffusion_pytorch_model.non_ema.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors"]
    names += ["tokenizer/merges.txt", "scheduler/scheduler_config.json"]
    chosen = choose_files("x/y", dict.fromkeys(names, 1))
    assert chosen == (
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/diffusion_pytorch_model.safetensors",
        "tokenizer/merges.txt",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    )


def test_repositories_of_half_precision_are_taken_and_those_of_pickles_are_not() -> None:
    half = {"config.json": 1, "diffusion_pytorch_model.fp16.safetensors": 2, "diffusion_pytorch_model.bin": 4}
    assert choose_files("x/y", half) == ("config.json", "diffusion_pytorch_model.fp16.safetensors")
    shards = {f"m-0000{index}-of-00002.safetensors": 1 for index in (1, 2)} | {"m.safetensors.index.json": 1}
    assert len(choose_files("x/y", shards)) == 3
    with pytest.raises(BackboneError, match="only pickles"):
        choose_files("x/y", {"config.json": 1, "diffusion_pytorch_model.bin": 4})
