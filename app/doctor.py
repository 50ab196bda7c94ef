"""What works on this machine and what does not."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import qnerf_core
from qnerf_core import assets
from qnerf_core.errors import AssetError

Status = Literal["ok", "warning", "failed"]

_LIBRARIES = ("torch", "diffusers", "transformers", "nerfacc", "smplx", "pyvista", "PySide6", "numpy")
_CPU_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")
_GIGABYTE = 1e9
_LEAST_MEMORY, _LEAST_DISK = 6.0, 2.0

# In a process of its own: a broken OpenGL driver does not raise, it ends the process.
_DRAW = """
import pyvista
plotter = pyvista.Plotter(off_screen=True, window_size=(32, 32))
plotter.add_mesh(pyvista.Sphere(), color="white")
drawn = plotter.screenshot(return_img=True).std() > 1
raise SystemExit(0 if drawn else 1)
"""


@dataclass(frozen=True)
class Check:
    name: str
    status: Status
    detail: str
    next_step: str = ""


def examine(folder: Path) -> list[Check]:
    """All checks; `folder` is where results would be written."""
    return [
        _versions(),
        *_libraries(),
        _processor(),
        _memory(),
        _disk(folder),
        *_devices(),
        _bundled("built-in model", assets.model_folder),
        _bundled("built-in body", assets.body_file),
        _scenes(),
        _drawing(),
    ]


def verdict(checks: list[Check]) -> str:
    failed = [check.name for check in checks if check.status == "failed"]
    warned = [check.name for check in checks if check.status == "warning"]
    if failed:
        return f"An edit cannot run here. Missing: {', '.join(failed)}."
    if warned:
        return f"An edit runs here, with limits: {', '.join(warned)}."
    return "Everything works here."


def _versions() -> Check:
    detail = f"{qnerf_core.__version__}, Python {platform.python_version()}, {platform.platform()}"
    return Check("QNeRF Studio", "ok", detail)


def _libraries() -> list[Check]:
    checks = []
    for name in _LIBRARIES:
        try:
            checks.append(Check(name, "ok", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            status: Status = "warning" if name in ("PySide6", "pyvista") else "failed"
            checks.append(Check(name, status, "not installed", "Run `make` in the project's folder."))
    return checks


def cpu_features(cpuinfo: str) -> list[str]:
    """The features that matter, of what the text of /proc/cpuinfo lists."""
    flags = {flag for line in cpuinfo.splitlines() if line.startswith("flags") for flag in line.split()}
    return [feature for feature in _CPU_FEATURES if feature in flags]


def _processor() -> Check:
    cpuinfo = Path("/proc/cpuinfo")
    features = cpu_features(cpuinfo.read_text()) if cpuinfo.exists() else []
    detail = f"{os.cpu_count()} cores, {', '.join(features) or 'features unknown'}"
    fast = {"avx512_bf16", "amx_bf16"} & set(features)
    return Check("processor", "ok", f"{detail}; bf16 is {'fast' if fast else 'slow here, float32 is used'}")


def _memory() -> Check:
    import psutil

    memory = psutil.virtual_memory()
    total, free = memory.total / _GIGABYTE, memory.available / _GIGABYTE
    detail = f"{total:.1f} GB, {free:.1f} GB free"
    if free < _LEAST_MEMORY:
        return Check("memory", "warning", detail, "Close other programs, or edit fewer views (--views).")
    return Check("memory", "ok", detail)


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free / _GIGABYTE
    detail = f"{free:.1f} GB free in {folder}"
    if free < _LEAST_DISK:
        return Check("disk", "warning", detail, "Free some space, or write to another folder (--out).")
    return Check("disk", "ok", detail)


def _devices() -> list[Check]:
    try:
        import torch
    except ImportError as error:
        return [Check("PyTorch loads", "failed", str(error), "Run `make` in the project's folder.")]
    threads = f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
    if not torch.cuda.is_available():
        # Never asked of nerfacc itself: without CUDA its kernels break the process that tries them.
        nerfacc = "no kernels without CUDA; its batched compositing is used"
        return [Check("device", "ok", f"CPU ({threads}); no CUDA"), Check("nerfacc kernels", "ok", nerfacc)]
    name = torch.cuda.get_device_name()
    memory = torch.cuda.get_device_properties(0).total_memory / _GIGABYTE
    return [
        Check("device", "ok", f"{name}, {memory:.1f} GB, CUDA {torch.version.cuda}; CPU ({threads})"),
        Check("nerfacc kernels", "ok", "CUDA (compiled on first use)"),
    ]


def _bundled(name: str, find: Callable[[], Path]) -> Check:
    try:
        return Check(name, "ok", str(find()))
    except AssetError as error:
        return Check(name, "failed", error.cause, error.next_step)


def _scenes() -> Check:
    names = assets.builtin_scenes()
    if not names:
        return Check("built-in scenes", "failed", f"none in {assets.assets_root()}", "Get the complete project.")
    return Check("built-in scenes", "ok", ", ".join(names))


def _drawing() -> Check:
    step = "Only making new scenes needs it. Debian, Ubuntu: apt-get install libgl1 libegl1 libegl-mesa0 libxrender1"
    try:
        result = subprocess.run([sys.executable, "-c", _DRAW], capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return Check("drawing without a screen", "warning", "VTK does not answer", step)
    if result.returncode != 0:
        return Check("drawing without a screen", "warning", f"VTK fails (code {result.returncode})", step)
    return Check("drawing without a screen", "ok", "VTK")
