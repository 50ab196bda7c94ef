"""`scenes` and `doctor`: what there is to work with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.console import USER_ERROR, print_json, results

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def scenes(
    capture: Annotated[
        str | None, typer.Argument(help="A built-in scene or the folder of a capture: list all its problems.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the built-in scenes and their edits, or inspect a capture."""
    from app.cli_capture import report_problems
    from qnerf_core.scene.capture import capture_path

    if capture is not None:
        report_problems(capture_path(capture), as_json)
        return
    found = _builtin()
    if as_json:
        print_json({"scenes": found})
        return
    if not found:
        results.print("There is no built-in scene.")
    for scene in found:
        line = f"{scene['views']} views + {scene['heldout']} kept out, {scene['width']}x{scene['height']}"
        results.print(Text.assemble((scene["name"], "bold"), f"  {line}"))
        results.print(f"  edits: {', '.join(scene['edits']) or 'none'}")


def _builtin() -> list[dict[str, Any]]:
    from qnerf_core import assets
    from qnerf_core.scene.capture import load_capture

    found = []
    for name in assets.builtin_scenes():
        capture = load_capture(name)
        camera = capture.scene.views[0].camera
        found.append(
            {
                "name": name,
                "folder": str(capture.scene.root),
                "views": len(capture.scene.training_views),
                "heldout": len(capture.scene.heldout_views),
                "width": camera.width,
                "height": camera.height,
                "prompt": capture.scene.prompt,
                "edits": list(capture.edits),
            }
        )
    return found


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Tell versions, devices and memory, what works on this machine and what does not."""
    from app.doctor import examine, verdict

    checks = examine(Path.cwd())
    if as_json:
        print_json({"verdict": verdict(checks), "checks": [asdict(check) for check in checks]})
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for check in checks:
            detail = f"{check.detail}. {check.next_step}" if check.next_step else check.detail
            table.add_row(Text(check.status, style=_STYLES[check.status]), Text(check.name), Text(detail))
        results.print(table)
        results.print(verdict(checks), soft_wrap=True)
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(USER_ERROR)
