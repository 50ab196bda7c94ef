"""What needs `pycolmap`, in a process of its own.

Its C++ ends the whole process over some damaged files, and its zlib and Pillow's corrupt each other's memory (4.2.1,
Pillow 13: writing a PNG aborts once both are loaded). So nothing that imports Pillow is imported here.

    python -m qnerf_core.scene.colmap_child read MODEL OUT.json
    python -m qnerf_core.scene.colmap_child match IMAGES WORK

Both print one JSON object per line: {"stage": ..., "done": ..., "total": ...} while they work, {"failed": ...} at the
end of what did not. `read` leaves OUT.json and OUT.npz (points); `match` leaves WORK/sparse/<n>.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

_MOST_EXHAUSTIVE = 60
_LONGEST_SIDE = 1600
# What reading takes at most: at once, and for each byte of the files (a model of 78 MB took 1.3 for each).
_READING_BYTES = 512 * 1024**2
_BYTES_PER_BYTE = 24


def main(arguments: list[str]) -> int:
    """Do one of the two.

    Args:
        arguments: As above.
    """
    what, first, second = arguments
    try:
        import pycolmap
    except ImportError:
        _say(failed="missing")
        return 1
    pycolmap.logging.minloglevel = 3
    try:
        if what == "read":
            _read(pycolmap, Path(first), Path(second))
        else:
            _match(pycolmap, Path(first), Path(second))
    # What pycolmap makes of its C++ exceptions.
    except (RuntimeError, ValueError, IndexError, MemoryError, OSError) as error:
        _say(failed=str(error).splitlines()[0] if str(error) else type(error).__name__)
        return 1
    return 0


def _say(**content: Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _limit_memory(model: Path) -> None:
    """Let what is read take no more than a model of its size can: a damaged count is believed, and read for ever."""
    if sys.platform == "win32":
        return
    import resource

    page_size = resource.getpagesize()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * page_size if Path("/proc/self/statm").is_file() else 0
    size = sum(path.stat().st_size for path in model.iterdir() if path.is_file())
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + _READING_BYTES + _BYTES_PER_BYTE * size
    resource.setrlimit(resource.RLIMIT_AS, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _read(pycolmap: Any, model: Path, out: Path) -> None:
    _limit_memory(model)
    found = pycolmap.Reconstruction(model)
    images = []
    for image in found.images.values():
        if not image.has_pose:
            continue
        images.append(
            {
                "name": image.name,
                "camera": image.camera_id,
                "cam_from_world": np.asarray(image.cam_from_world().matrix()).tolist(),
            }
        )
    cameras = {
        str(number): {
            "model": camera.model.name,
            "params": list(map(float, camera.params)),
            "width": camera.width,
            "height": camera.height,
        }
        for number, camera in found.cameras.items()
    }
    points = np.array([point.xyz for point in found.points3D.values()], dtype=np.float64).reshape(-1, 3)
    error = float(found.compute_mean_reprojection_error()) if len(points) else None
    np.savez(out.with_suffix(".npz"), points=points)
    out.write_text(json.dumps({"images": images, "cameras": cameras, "error": error, "points": len(points)}))


def _match(pycolmap: Any, images: Path, work: Path) -> None:
    names = json.loads((work / "images.json").read_text())
    database = work / "database.db"
    database.unlink(missing_ok=True)
    pycolmap.set_random_seed(0)
    _say(stage="Finding features", done=0, total=len(names))
    reader = pycolmap.ImageReaderOptions()
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.max_image_size = _LONGEST_SIDE
    extraction.use_gpu = False
    for index, name in enumerate(names):
        # One by one, so that there is progress and a damaged picture ends nothing. COLMAP gives pictures of one size
        # one camera only within a call; here every one has its own, which costs little accuracy.
        pycolmap.extract_features(
            database,
            images,
            [name],
            camera_mode=pycolmap.CameraMode.PER_FOLDER,
            reader_options=reader,
            extraction_options=extraction,
            device=pycolmap.Device.cpu,
        )
        _say(stage="Finding features", done=index + 1, total=len(names))
    _say(stage="Matching pictures", done=0, total=1)
    matching = pycolmap.FeatureMatchingOptions()
    matching.use_gpu = False
    if len(names) <= _MOST_EXHAUSTIVE:
        pycolmap.match_exhaustive(database, matching_options=matching, device=pycolmap.Device.cpu)
    else:
        pycolmap.match_sequential(database, matching_options=matching, device=pycolmap.Device.cpu)
    placed = 2

    def next_image() -> None:
        nonlocal placed
        placed += 1
        _say(stage="Placing cameras", done=min(placed, len(names)), total=len(names))

    _say(stage="Placing cameras", done=0, total=len(names))
    (work / "sparse").mkdir(exist_ok=True)
    found = pycolmap.incremental_mapping(database, images, work / "sparse", next_image_callback=next_image)
    _say(stage="Placing cameras", done=len(names), total=len(names), models=len(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
