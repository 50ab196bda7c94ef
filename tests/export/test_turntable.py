from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from qnerf_core.export.turntable import centre_of_attention, contact_sheet, orbit, write_video
from tests.synthetic_capture import ring_of_cameras


def test_the_orbit_goes_where_the_cameras_stand() -> None:
    cameras = ring_of_cameras(7, radius=3.0, height=1.5)
    assert np.allclose(centre_of_attention(cameras), [0.0, 0.0, 0.6], atol=1e-9)
    way = orbit(cameras, 4, (32, 24))
    assert np.allclose(way[0].position, cameras[0].position)
    assert np.allclose(way[0].camera_to_world, cameras[0].camera_to_world)
    assert (way[0].width, way[0].height) == (32, 24)
    assert np.allclose(way[1].position, [0.0, 3.0, 1.5])
    for camera in way:
        pixels, depth = camera.project(np.array([0.0, 0.0, 0.6]))
        assert np.allclose(pixels, [16, 12])
        assert depth > 0
        assert np.allclose(camera.camera_to_world[:3, :3].T @ camera.camera_to_world[:3, :3], np.eye(3))


def test_a_video_has_its_frames_and_an_odd_row_less(tmp_path: Path) -> None:
    frames = [np.full((33, 48, 3), level, dtype=np.uint8) for level in (0, 80, 160, 240)]
    write_video(frames, tmp_path / "film.mp4", fps=8)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "film.mp4")]
    decoded = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    film = np.frombuffer(decoded.stdout, dtype=np.uint8).reshape(-1, 32, 48, 3)
    assert film.mean(axis=(1, 2, 3)) == pytest.approx([0, 80, 160, 240], abs=4)


def test_a_contact_sheet_fills_row_by_row() -> None:
    sheet = contact_sheet([np.full((2, 3, 3), level, dtype=np.uint8) for level in (10, 20, 30)], columns=2)
    assert sheet.shape == (4, 6, 3)
    assert sheet[0, 0, 0] == 10
    assert sheet[0, 3, 0] == 20
    assert sheet[2, 0, 0] == 30
    assert sheet[2, 3, 0] == 255
