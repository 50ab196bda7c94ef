from __future__ import annotations

import os
import sys
from collections.abc import Iterator

# Before torch is imported: more threads than cores only wait for each other, also those of several test processes.
os.environ.setdefault(
    "OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))
)
# The suite must not touch the network: whatever a hub would give is not part of it.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("qnerf", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("qnerf")


class _ByFile(LoadScopeScheduling):
    """A file's tests stay together for what they share, and all windows: two processes would fight for the keyboard."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        return "window" if path.startswith("tests/window/") else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _ByFile(config, log)


@pytest.fixture(autouse=True)
def _no_assets_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QNERF_ASSETS", raising=False)


@pytest.fixture(autouse=True)
def _denormals_are_numbers_again() -> Iterator[None]:
    # Fitting a field flushes denormals for the whole process; hypothesis refuses to draw floats there.
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
