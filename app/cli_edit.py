"""`edit`: the consolidated multi-view edit, from start to pictures on disk."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.console import interruptible, messages, print_json, results
from app.model_store import equipped, located
from app.progress import EditProgress, ResultProgress
from qnerf_core import files
from qnerf_core.errors import Cancelled, SettingsError, StudioError

if TYPE_CHECKING:
    from qnerf_core.editing.spec import EditSpec


class Method(StrEnum):
    """What makes the views agree."""

    qnerf = "qnerf"
    independent = "independent"


class PrecisionChoice(StrEnum):
    auto = "auto"
    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"


class PredictionChoice(StrEnum):
    epsilon = "epsilon"
    v_prediction = "v_prediction"


def edit(
    out: Annotated[Path, typer.Option(help="Folder of the run: made when missing, everything is kept in it.")],
    scene: Annotated[
        str | None, typer.Option(help="A built-in scene or the folder of a capture.", show_default="person")
    ] = None,
    edit: Annotated[
        str | None,
        typer.Option(help="An edit that the capture brings, or a pose or proxy file.", show_default="raise-arms"),
    ] = None,
    source_pose: Annotated[
        str | None,
        typer.Option(
            help="The pose or proxy file of the subject in the pictures, as fit-body or fit-proxy writes it.",
            show_default="the capture's",
        ),
    ] = None,
    method: Annotated[
        Method | None, typer.Option(help="independent: every view alone (an ablation).", show_default="qnerf")
    ] = None,
    hard_injection: Annotated[
        bool, typer.Option("--hard-injection", help="Replace the queries instead of guiding by them (an ablation).")
    ] = False,
    no_progressive: Annotated[
        bool, typer.Option("--no-progressive", help="Fit one QNeRF once, for the whole edit (an ablation).")
    ] = False,
    views: Annotated[
        int | None, typer.Option(min=1, help="Edit only so many views, spread evenly.", show_default="all")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Diffusion steps.", show_default="the method's")] = None,
    tau: Annotated[
        int | None, typer.Option(min=1, help="Half the length of an interval in steps.", show_default="the method's")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything drawn at random.", show_default="0")] = None,
    prompt: Annotated[str | None, typer.Option(help="What the pictures show.", show_default="the scene's")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "--backbone",
            help="The diffusion model: a name that `models list` shows, a folder in the Stable Diffusion layout, a "
            ".safetensors file, or the id of a downloaded repository.",
            show_default="builtin",
        ),
    ] = None,
    controlnet: Annotated[
        str | None, typer.Option(help="Another ControlNet: name, folder, file or id.", show_default="the model's own")
    ] = None,
    lora: Annotated[
        str | None, typer.Option(help="A LoRA for the ControlNet (LooseControl): name, folder, file or id.")
    ] = None,
    lora_scale: Annotated[float | None, typer.Option(help="How much of the LoRA.", show_default="1")] = None,
    prediction: Annotated[
        PredictionChoice | None, typer.Option(help="What a single file of Stable Diffusion 2 predicts.")
    ] = None,
    precision: Annotated[
        PrecisionChoice | None, typer.Option(help="What to compute in.", show_default="what suits the device")
    ] = None,
    view_batch: Annotated[
        int | None, typer.Option(min=1, help="Views at once: fewer need less memory.", show_default="as fit, up to 8")
    ] = None,
    slicing: Annotated[bool, typer.Option("--slicing", help="Attention in slices: less memory, slower.")] = False,
    tiling: Annotated[bool, typer.Option("--tiling", help="The autoencoder in tiles: less memory, slower.")] = False,
    offload: Annotated[
        bool, typer.Option("--offload", help="What is not in use leaves the graphics card: less memory, slower.")
    ] = False,
    settings: Annotated[
        Path | None,
        typer.Option(help="A JSON file with any settings, like a run's spec.json; options go before it."),
    ] = None,
    repaint_background: Annotated[
        bool, typer.Option("--repaint-background", help="Let the model repaint all, as in the paper.")
    ] = False,
    repaint_subject: Annotated[
        bool, typer.Option("--repaint-subject", help="Let the model repaint those parts, too, that do not move.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, with the settings it has.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Edit all views of a capture consistently.

    Ctrl-C stops within a step; what is finished is kept, and the same command with --resume goes on.
    """
    chosen: dict[str, Any] = {
        "scene": None if scene is None else _settled(scene),
        "edit": None if edit is None else _absolute(edit),
        "source": str(Path(source_pose).resolve()) if source_pose else None,
        "method": method.value if method else None,
        "hard_injection": True if hard_injection else None,
        "progressive": False if no_progressive else None,
        "views": views,
        "tau": tau,
        "seed": seed,
        "prompt": prompt,
        "backbone": located(model),
        "model.controlnet": located(controlnet),
        "model.lora": located(lora),
        "model.lora_scale": lora_scale,
        "model.prediction": prediction.value if prediction else None,
        "model.precision": precision.value if precision else None,
        "model.slicing": slicing or None,
        "model.tiling": tiling or None,
        "model.offload": offload or None,
        "diffusion.steps": steps,
        "diffusion.view_batch": view_batch,
        "background.keep": False if repaint_background else None,
        "background.unmoved": False if repaint_subject else None,
    }
    spec = _with_control(_spec(chosen, settings, out if resume else None))
    if resume and _finished(out, spec):
        messages.print(f"The run in {out} is finished already.", soft_wrap=True)
    else:
        _run(spec, out, resume)
    if as_json:
        print_json(_summary(out))
    else:
        results.print(f"The edited pictures are in {out / 'edited'}", soft_wrap=True)


def _settled(scene: str) -> str:
    from qnerf_core.scene.capture import settled_path

    with interruptible() as cancelled, ResultProgress() as progress:
        return settled_path(_absolute(scene), progress.count, cancelled)


def _absolute(value: str) -> str:
    # The run must be understood from any folder later on. What is no file or folder is a name.
    if not ("/" in value or value.startswith(".") or Path(value).is_file()):
        return value
    return str(Path(value).resolve())


def _spec(chosen: dict[str, Any], settings: Path | None, resumed: Path | None) -> EditSpec:
    from pydantic import ValidationError

    from qnerf_core.editing.spec import EditSpec
    from qnerf_core.runs.folder import RUN_FILE, RunFolder

    content: dict[str, Any] = {}
    if resumed is not None and (resumed / RUN_FILE).is_file():
        content = RunFolder(resumed).spec.model_dump(mode="json")
    if settings is not None:
        content |= files.read_json(settings)
    for name, value in chosen.items():
        if value is not None:
            *rooms, last = name.split(".")
            room = content
            for part in rooms:
                room = room.setdefault(part, {})
            room[last] = value
    try:
        return EditSpec.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError("These settings do not work", f"{where}: {first['msg']}", "Change them.") from error


def _with_control(spec: EditSpec) -> EditSpec:
    from qnerf_core.editing.edit_files import find_edit
    from qnerf_core.scene.capture import load_scene

    if spec.backbone == "builtin":
        return spec
    return equipped(spec, find_edit(spec, *load_scene(spec.scene)).control)


def _finished(out: Path, spec: EditSpec) -> bool:
    from qnerf_core.runs.folder import RUN_FILE, RunFolder

    if not (out / RUN_FILE).is_file():
        return False
    run = RunFolder(out)
    return run.status == "finished" and run.spec == spec


def _run(spec: EditSpec, out: Path, resume: bool) -> None:
    messages.print("Loading the model and the pictures ...")
    with interruptible() as cancelled:
        try:
            _consume(spec, out, resume, cancelled)
        except KeyboardInterrupt as stop:
            raise _stopped(out) from stop


def _consume(spec: EditSpec, out: Path, resume: bool, cancelled: Callable[[], bool]) -> None:
    from qnerf_core.diffusion.devices import best_device
    from qnerf_core.editing import consolidate, events
    from qnerf_core.editing.inputs import Watch, prepare
    from qnerf_core.runs.opening import open_run

    with EditProgress() as progress:
        # Before the folder is touched, so that a wrong name leaves nothing behind.
        inputs = prepare(spec, device=best_device(), watch=Watch(progress.preparing, cancelled))
        with open_run(out, spec, resume=resume) as store:
            stream = consolidate.run(
                inputs, spec, run_id=secrets.token_hex(4), resume=store.resume_state(), cancelled=cancelled
            )
            for event in store.consume(stream):
                progress.show(event)
                if isinstance(event, events.RunFailed):
                    raise _stopped(out) if event.cancelled else StudioError(event.title, event.cause, event.next_step)


def _stopped(out: Path) -> Cancelled:
    return Cancelled(
        "The edit is stopped",
        "what was finished is kept",
        f"Go on with: python main.py edit --out {shlex.quote(str(out))} --resume",
    )


def _summary(out: Path) -> dict[str, Any]:
    from qnerf_core.runs.folder import RunFolder

    run = RunFolder(out)
    return {
        "run": str(out),
        "status": run.status,
        "edited": [str(run.edited_path(view)) for view in run.edited_views()],
        "seconds": run.info.get("seconds", {}),
        "spec": run.spec.model_dump(mode="json"),
    }
