from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scene.captures import look_at

COUNT = 300
WIDTH, HEIGHT = 4000, 3000

_SCRIPT = """
import json, resource, sys, time
from qnerf_core.scene.opening import open_capture
from qnerf_core.scene.validation import inspect_capture
start = time.perf_counter()
report = inspect_capture(sys.argv[1])
looked = time.perf_counter()
scene = open_capture(sys.argv[1])
opened = time.perf_counter()
print(json.dumps({
    "problems": [str(problem) for problem in report.problems], "views": len(scene.views),
    "size": [scene.views[0].camera.width, scene.views[0].camera.height],
    "looking_s": looked - start, "preparing_s": opened - looked,
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def write_photos(folder: Path) -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (HEIGHT // 10, WIDTH // 10, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=80)
    frames = []
    (folder / "images").mkdir(parents=True)
    for index in range(COUNT):
        # A comment makes them different files; decoding costs the same.
        comment = f"photo {index:04d}".encode()
        head, rest = encoded.getvalue()[:2], encoded.getvalue()[2:]
        marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        name = f"images/{index:04d}.jpg"
        (folder / name).write_bytes(head + marker + rest)
        angle = 2 * np.pi * index / COUNT
        matrix = look_at((3 * np.cos(angle), 3 * np.sin(angle), 1.4))
        frames.append({"file_path": name, "transform_matrix": matrix.tolist()})
    lens = {"fl_x": 3200, "fl_y": 3200, "cx": 2000, "cy": 1500, "w": WIDTH, "h": HEIGHT, "k1": -0.05, "k2": 0.01}
    (folder / "transforms.json").write_text(json.dumps({"camera_model": "OPENCV", **lens, "frames": frames}))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_300_photos_of_12_megapixels_open_within_the_memory_that_is_stated(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos")
    environment = {**os.environ, "QNERF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path / "photos")], check=True, capture_output=True, env=environment
    )
    found = json.loads(done.stdout)
    sys.stdout.write(f"{found}\n")
    assert found["problems"] == []
    assert found["views"] == COUNT
    assert found["size"] == [1024, 768]
    assert found["peak_mib"] < 1024
