from __future__ import annotations

from pathlib import Path

import pytest

from app.doctor import Check, cpu_features, examine, verdict


def test_verdict_names_what_is_missing() -> None:
    fine, limited = Check("a", "ok", ""), Check("memory", "warning", "")
    assert verdict([fine]) == "Everything works here."
    assert verdict([fine, limited]) == "An edit runs here, with limits: memory."
    assert verdict([limited, Check("built-in model", "failed", "")]).endswith("Missing: built-in model.")


def test_cpu_features() -> None:
    cpuinfo = "processor : 0\nflags\t\t: fpu avx2 amx_bf16 fma\nbugs : avx512_bf16\n"
    assert cpu_features(cpuinfo) == ["avx2", "amx_bf16"]
    assert cpu_features("") == []


def test_examination_without_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QNERF_ASSETS", str(tmp_path))
    checks = {check.name: check for check in examine(tmp_path)}
    assert {name for name, check in checks.items() if check.status == "failed"} == {
        "built-in model",
        "built-in body",
        "built-in scenes",
    }
    assert checks["torch"].detail[0].isdigit()
    assert "threads" in checks["device"].detail
    assert all(check.next_step for check in checks.values() if check.status != "ok")
