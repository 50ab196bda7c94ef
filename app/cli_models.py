"""`models`: the diffusion models on this machine."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from app.console import interruptible, messages, print_json, results
from app.model_store import equipped, located, model_store
from qnerf_core.errors import Cancelled

if TYPE_CHECKING:
    from qnerf_core.models.store import ModelEntry

models = typer.Typer(
    name="models", help="Add, verify, download and delete diffusion models.", no_args_is_help=True, add_completion=False
)


class ControlChoice(StrEnum):
    """What a ControlNet reads: skeletons of bodies, or depth of proxies."""

    skeleton = "skeleton"
    depth = "depth"


Name = Annotated[str, typer.Argument(help="As `models list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@models.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models, what they are, where they lie and how large they are."""
    store = model_store()
    found = store.entries()
    if as_json:
        print_json({"folder": str(store.folder), "models": [_record(entry) for entry in found]})
        return
    if not found:
        results.print("Only the built-in model is here. Add one: python main.py models add FOLDER_OR_FILE")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("name", "kind", "for", "size", "verified", "place"):
        table.add_column(title, overflow="fold")
    for entry in found:
        state = "yes" if entry.verified else "not yet"
        place = entry.place if Path(entry.place).exists() else f"{entry.place} (gone)"
        fits = f"text {entry.text_width}" if entry.control is None else f"{entry.control}, text {entry.text_width}"
        table.add_row(entry.name, entry.kind, fits, size_in_words(entry.size), state, place)
    results.print(table)


@models.command()
def add(
    place: Annotated[str, typer.Argument(help="A folder, a .safetensors file, or an id in the hub's local cache.")],
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default="the folder's name")] = None,
    control: Annotated[ControlChoice | None, typer.Option(help="What a ControlNet or LoRA reads.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a model where it lies; nothing is copied or downloaded."""
    entry = model_store().add(place, name=name, control=control.value if control else None)
    _tell(entry, f"{entry.name} is added: {entry.kind}, {size_in_words(entry.size)}.", as_json)


@models.command()
def verify(name: Name, as_json: AsJson = False) -> None:
    """Read every file, compare it with what was recorded, load every part, and tell what it fits."""
    from qnerf_core.diffusion.verification import verify_model

    with interruptible() as cancelled, messages.status(f"Reading {name} ...") as status:

        def show(fraction: float, file: str) -> None:
            status.update(f"{fraction:.0%} {file}")

        findings = verify_model(model_store(), name, show, cancelled)
    if as_json:
        print_json({"name": name, "findings": list(findings)})
    else:
        results.print("\n".join(findings), soft_wrap=True)


@models.command()
def delete(name: Name, yes: Yes = False) -> None:
    """Take a model from the list; files that were downloaded by this program are deleted."""
    entry = model_store().get(name)
    fate = f"{size_in_words(entry.size)} in {entry.place} are deleted" if entry.owned else "its files stay"
    if not yes and not typer.confirm(f"Delete {name} from the list ({fate})?"):
        raise Cancelled(f"{name} stays")
    model_store().delete(name)
    results.print(f"{name} is gone; {fate}.", soft_wrap=True)


@models.command()
def download(
    repository: Annotated[str, typer.Argument(help="Id on huggingface.co, such as owner/name.")],
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default="the repository's name")] = None,
    control: Annotated[ControlChoice | None, typer.Option(help="What a ControlNet or LoRA reads.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Download a model; says first what it takes and where to, and asks. Goes on where it was stopped."""
    from qnerf_core.models.hub import fetch, plan_download

    store = model_store()
    plan = plan_download(repository, store.folder)
    question = f"Download {size_in_words(plan.size)} ({len(plan.missing)} files) to {plan.target}?"
    messages.print(f"{repository}, version {plan.revision[:12]}", soft_wrap=True)
    if plan.missing and not yes and not typer.confirm(question):
        raise Cancelled("Nothing was downloaded")
    with interruptible() as cancelled:
        fetch(plan, lambda _fraction, file: messages.print(file, soft_wrap=True), cancelled)
    entry = store.add(plan.target, name=name or repository.split("/")[-1], control=control.value if control else None)
    _tell(entry, f"{entry.name} is here. Check it: python main.py models verify {entry.name}", as_json)


@models.command()
def measure(
    model: Annotated[str, typer.Argument(help="A name of the list, a folder, a file, or builtin.")] = "builtin",
    control: Annotated[ControlChoice, typer.Option(help="Which of its ControlNets.")] = ControlChoice.skeleton,
    settings: Annotated[Path | None, typer.Option(help="A JSON file: an edit's settings of the model.")] = None,
    as_json: AsJson = False,
) -> None:
    """Time a few steps of a model on this machine; the estimates of time and memory follow from them."""
    from app.estimate import learn
    from qnerf_core import files
    from qnerf_core.diffusion.devices import best_device
    from qnerf_core.diffusion.measuring import measure_steps
    from qnerf_core.editing.inputs import load_backbone
    from qnerf_core.editing.spec import EditSpec

    chosen = {"model": files.read_json(settings)} if settings is not None else {}
    spec = equipped(EditSpec.model_validate({"backbone": located(model), **chosen}), control.value)
    messages.print("Loading the model ...")
    backbone = load_backbone(spec.backbone, control.value, best_device(), spec.model)
    messages.print("Timing a few steps ...")
    cost = measure_steps(backbone, (backbone.image_size, backbone.image_size))
    learn(spec, cost)
    if as_json:
        print_json(asdict(cost))
        return
    results.print(f"A step of one view takes {cost.plain:.2f} s, its guidance {cost.guided:.2f} s.")
    results.print(f"A guided step takes {size_in_words(cost.memory)} beside the weights, on {cost.device}.")


def size_in_words(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 0.95e9 else f"{max(size / 1e6, 0.1):.1f} MB"


def _tell(entry: ModelEntry, text: str, as_json: bool) -> None:
    if as_json:
        print_json(_record(entry))
    else:
        results.print(text, soft_wrap=True)


def _record(entry: ModelEntry) -> dict[str, Any]:
    return asdict(entry) | {"there": Path(entry.place).exists()}
