"""What a device computes in, and how much memory it has left."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil
import torch

from qnerf_core.diffusion.settings import Precision

_TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def best_device() -> str:
    """Return where to compute: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def dtype_for(precision: Precision, device: str) -> torch.dtype:
    """Choose the precision that the networks compute in.

    Graphics cards compute in half precision: Stable Diffusion loses nothing that can be seen, at half the memory.
    Processors do so only where they have the instructions (AMX or AVX-512 bf16); elsewhere bfloat16 takes ten times as
    long as float32 (measured on AVX2).

    Args:
        precision: What was asked for; "auto" decides.
        device: Where it computes.
    """
    if precision != "auto":
        return _TYPES[precision]
    if torch.device(device).type in ("cuda", "mps"):
        return torch.float16
    return torch.bfloat16 if cpu_has_bfloat16() else torch.float32


def cpu_has_bfloat16() -> bool:
    """Tell whether this processor multiplies bfloat16 matrices itself."""
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name, False)) for name in ("amx_bf16", "avx512_bf16"))


def free_memory(device: torch.device) -> int:
    """Return the bytes that can still be used on a device.

    Args:
        device: Which; "mps" shares the computer's memory.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    return int(psutil.virtual_memory().available)


def release_memory(device: torch.device) -> None:
    """Give back what is no longer used, after a job or before something is tried again.

    Args:
        device: Which.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        # glibc keeps what is between blocks in use, and holds more after every edit.
        trim(0)
    if device.type == "cuda":
        torch.cuda.empty_cache()
