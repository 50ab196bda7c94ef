"""COLMAP's models, written by pycolmap itself: in another process, for it does not live with Pillow in one."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qnerf_core import files

WIDTH, HEIGHT = 64, 48

needs_pycolmap = pytest.mark.skipif(importlib.util.find_spec("pycolmap") is None, reason="pycolmap is not installed")

_SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np, pycolmap
out = Path(sys.argv[1])
models = {
    "SIMPLE_PINHOLE": [60, 31, 25], "PINHOLE": [60, 62, 31, 25], "SIMPLE_RADIAL": [60, 31, 25, 0.1],
    "RADIAL": [60, 31, 25, 0.1, -0.05], "OPENCV": [60, 62, 31, 25, -0.1, 0.02, 0.003, -0.002],
    "FULL_OPENCV": [60, 62, 31, 25, -0.1, 0.02, 0.003, -0.002, 0.01, 0.05, 0.02, 0.004],
    "OPENCV_FISHEYE": [40, 41, 31, 25, 0.02, -0.01, 0.003, 0.001],
    "SIMPLE_RADIAL_FISHEYE": [40, 31, 25, 0.02], "RADIAL_FISHEYE": [40, 31, 25, 0.02, -0.01],
}
points = np.random.default_rng(1).uniform([-0.4, -0.3, 1], [0.4, 0.3, 1], (20, 3))
facts = {"lenses": {}, "points": points.tolist()}
for name, params in models.items():
    camera = pycolmap.Camera(model=name, width=64, height=48, params=params)
    facts["lenses"][name] = {"params": params, "pixels": np.asarray(camera.img_from_cam(points)).tolist()}
options = pycolmap.SyntheticDatasetOptions()
options.num_rigs = options.num_cameras_per_rig = 1
options.num_frames_per_rig, options.num_points3D = 6, 300
options.camera_width, options.camera_height, options.camera_params = 64, 48, [60.0, 31.0, 25.0, 0.05]
pycolmap.set_random_seed(3)
found = pycolmap.synthesize_dataset(options)
for place, write in (("sparse/0", found.write), ("text", found.write_text)):
    (out / place).mkdir(parents=True)
    write(out / place)
facts["images"] = {
    image.name: {
        "centre": image.projection_center().tolist(),
        "forward": image.viewing_direction().tolist(),
        "seen": [image.project_point(point.xyz).tolist() for point in list(found.points3D.values())[:9]],
    }
    for image in found.images.values()
}
facts["xyz"] = [point.xyz.tolist() for point in found.points3D.values()]
small = 4
for number in list(found.reg_frame_ids())[small:]:
    found.deregister_frame(number)
(out / "sparse/1").mkdir()
found.write(out / "sparse/1")
(out / "facts.json").write_text(json.dumps(facts))
"""


def write_colmap(folder: Path) -> dict[str, Any]:
    """Write `sparse/0` (six images), `sparse/1` (four), `text`, and random pictures; return what pycolmap says."""
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, "-c", _SCRIPT, str(folder)], check=True, capture_output=True)
    facts: dict[str, Any] = json.loads((folder / "facts.json").read_text())
    (folder / "facts.json").unlink()
    random = np.random.default_rng(2)
    for name in facts["images"]:
        files.write_image(folder / "images" / name, random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    return facts
