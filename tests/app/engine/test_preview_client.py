"""The window's end of the previews, with its real child."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from app.preview import PreviewClient
from qnerf_core.body.pose_file import read_pose
from qnerf_core.field.radiance import RadianceField
from qnerf_core.field.radiance_network import RadianceNetwork
from qnerf_core.field.settings import RadianceSettings
from qnerf_core.scene.camera import Camera
from tests.app.engine.small_edit import small_capture, small_spec
from tests.synthetic_capture import BOUNDS, ring_of_cameras

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def client(core_application: QCoreApplication) -> Iterator[PreviewClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        client = PreviewClient()
        yield client
        client.close(5.0)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_capture(tmp_path_factory.mktemp("scenes") / "ball")


def wait_for(condition: Callable[[], bool], seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        QCoreApplication.processEvents()
        time.sleep(0.002)


def test_only_the_newest_request_is_answered(client: PreviewClient, capture: Path) -> None:
    answers: list[tuple[str, np.ndarray]] = []
    client.ready.connect(lambda view, picture, _seconds: answers.append((view, picture)))
    spec, pose = small_spec(capture), read_pose(capture / "edits" / "up" / "pose.json")
    source = read_pose(capture / "source_pose.json")
    for shift in (0.1, 0.2, 0.3):
        client.request("001", pose.replaced(translation=pose.translation + shift), spec, source)
    client.request("002", pose, spec, source)
    wait_for(lambda: bool(answers))
    assert [view for view, _ in answers] == ["002"]
    assert answers[0][1].shape == (64, 64, 3)
    client.request("001", pose, spec, source)
    client.stop()
    client.request("002", pose, spec, source)
    wait_for(lambda: len(answers) > 1)
    assert answers[1][0] == "002"
    assert np.array_equal(answers[0][1], answers[1][1])


def test_what_fails_is_said_and_a_dead_child_is_replaced(client: PreviewClient, capture: Path) -> None:
    answers: list[str] = []
    failures: list[dict[str, Any]] = []
    client.ready.connect(lambda view, _picture, _seconds: answers.append(view))
    client.failed.connect(failures.append)
    spec, pose = small_spec(capture), read_pose(capture / "source_pose.json")
    client.request("no such view", pose, spec)
    wait_for(lambda: bool(failures))
    assert "no such view" in str(failures[0])
    pid = client.engine_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(failures) > 1)
    assert "killed" in failures[1]["cause"]
    client.request("001", pose, spec)
    wait_for(lambda: bool(answers))
    assert answers == ["001"]


def test_a_field_is_rendered_coarse_first(client: PreviewClient, tmp_path: Path) -> None:
    field = RadianceField(RadianceNetwork(BOUNDS, RadianceSettings(resolutions=(8, 16), occupancy_resolution=8)))
    path = tmp_path / "nerf"
    field.save(path / "radiance.safetensors")
    shown: list[tuple[str, tuple[int, ...], int]] = []
    done: list[str] = []
    client.nerfReady.connect(lambda asked, picture, level: shown.append((asked, picture.shape, level)))
    client.nerfFinished.connect(done.append)
    camera: Camera = ring_of_cameras(3, 64)[0].scaled(120, 60)
    client.render_nerf(path, camera, 200)
    wait_for(lambda: bool(done))
    assert shown == [(str(path), (32, 64, 3), 0), (str(path), (64, 128, 3), 1), (str(path), (100, 200, 3), 2)]
    failures: list[dict[str, Any]] = []
    client.failed.connect(failures.append)
    client.render_nerf(tmp_path / "missing.safetensors", camera, 100)
    wait_for(lambda: bool(failures))
    assert "missing.safetensors" in failures[0]["cause"]
