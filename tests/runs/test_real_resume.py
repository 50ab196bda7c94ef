"""A real edit with a tiny model, killed by SIGKILL in the middle of a write and resumed in another process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qnerf_core.runs.folder import RunFolder
from tests.editing.conftest import SHORT
from tests.tiny_models import builtin_like

EDIT = """
import os, signal, sys
from pathlib import Path
from qnerf_core.editing.spec import EditSpec
from qnerf_core.evaluation.running import finish_run
from tests.editing.conftest import inputs_of
folder, model, settings, deadly = sys.argv[1:]
real = os.replace
def replace(source, target):
    if deadly and deadly in Path(target).as_posix():
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.replace = replace
finish_run(EditSpec.model_validate_json(settings), Path(folder), load=lambda spec: inputs_of(Path(model)))
"""


def edit(folder: Path, model: Path, deadly: str = "") -> subprocess.CompletedProcess[str]:
    settings = SHORT.model_copy(update={"backbone": str(model), "previews": True}).model_dump_json()
    command = [sys.executable, "-c", EDIT, str(folder), str(model), settings, deadly]
    # The same number of threads everywhere: sums in another order have other last bits.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def contents(folder: Path) -> dict[str, bytes]:
    kinds = ("*.png", "*.safetensors", "*.jpg")
    return {str(path.relative_to(folder)): path.read_bytes() for kind in kinds for path in folder.rglob(kind)}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_while_writing_anything_a_run_ends_bit_equal(tmp_path: Path) -> None:
    model = Path(shutil.copytree(builtin_like(), tmp_path / "model"))
    whole = edit(tmp_path / "whole", model)
    assert whole.returncode == 0, whole.stderr
    expected = contents(tmp_path / "whole")
    assert len([name for name in expected if name.startswith("edited/")]) == 3
    folder = tmp_path / "killed"
    for deadly in ("inversion/info.json", "intervals/01/qnerf", "intervals/02/info.json", "edited/001.png"):
        killed = edit(folder, model, deadly)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = edit(folder, model)
    assert finished.returncode == 0, finished.stderr
    assert contents(folder) == expected
    run = RunFolder(folder)
    assert run.status == "finished"
    assert [session["first_interval"] for session in run.info["sessions"]] == [0, 0, 1, 2, 4]
