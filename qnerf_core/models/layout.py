"""What a path holds: a base, a ControlNet or a LoRA, as a folder or one file. Reads names and shapes, no weights."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qnerf_core import files
from qnerf_core.errors import BackboneError, FileFormatError

Kind = Literal["base", "controlnet", "lora"]
Form = Literal["folder", "file"]
Shapes = dict[str, tuple[int, ...]]

PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
WEIGHTS = ".safetensors"
CLIP_WORDS = Path(__file__).parent / "layouts" / "bpe_simple_vocab_16e6.txt.gz"
_LAYOUTS = Path(__file__).parent / "layouts"
_PICKLES = {".ckpt", ".bin", ".pt", ".pth", ".pkl"}
_LONGEST_HEADER = 100_000_000
_LDM_CROSS = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
_CROSS = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
_FAMILIES = {768: "sd15", 1024: "sd21"}
_AGAIN = "Copy or download it again."


@dataclass(frozen=True)
class ModelPlace:
    """Something that can be loaded.

    Attributes:
        path: A folder in diffusers' layout, or a `.safetensors` file.
        kind: What it is.
        form: Folder or file.
    """

    path: Path
    kind: Kind
    form: Form

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything it is made of, sorted: what is loaded, not what else lies in the folder."""
        if self.form == "file":
            layout = self.path.with_suffix(".layout")
            return (self.path, *sorted(layout.rglob("*.json")))
        wanted = {WEIGHTS, ".json", ".txt"}
        found = (file for file in self.path.rglob("*") if file.suffix in wanted and file.is_file())
        return tuple(sorted(file for file in found if not _hidden(file.relative_to(self.path))))

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.stat().st_size for file in self.files)


def find_model(place: Path | str) -> ModelPlace:
    """Find out what a path or hub id is.

    Args:
        place: A folder, a `.safetensors` file, or the id of a repository whose files are in the local cache of the
            hub. Nothing is ever downloaded.

    Raises:
        BackboneError: There is nothing, it is a pickle, or it is nothing that can be used; says what to do.
    """
    path = local_path(place)
    if path.is_file():
        return ModelPlace(path, _kind_of_file(path), "file")
    if (path / "unet").is_dir() or (path / "model_index.json").is_file():
        return ModelPlace(path, "base", "folder")
    if (path / "config.json").is_file():
        name = files.read_json(path / "config.json").get("_class_name")
        if name == "ControlNetModel":
            return ModelPlace(path, "controlnet", "folder")
        raise BackboneError(
            f"{path} cannot be used",
            f"its config.json is that of a {name or 'model of unknown kind'}",
            "Give a whole model, a ControlNet, or a LoRA.",
        )
    weights = sorted(path.glob(f"*{WEIGHTS}"))
    if len(weights) == 1:
        return ModelPlace(weights[0], _kind_of_file(weights[0]), "file")
    refuse_pickles(path)
    raise BackboneError(
        f"There is no model in {path}",
        "it holds neither parts of a model (unet, vae, ...) nor the config.json of a ControlNet nor one weights file",
        "Give a folder in the Stable Diffusion layout, or a .safetensors file.",
    )


def local_path(place: Path | str) -> Path:
    """Return the folder or file behind a path or hub id.

    Args:
        place: As in `find_model`.

    Raises:
        BackboneError: There is nothing on this machine, or it is a pickle.
    """
    path = Path(place).expanduser()
    if path.suffix in _PICKLES:
        _refuse_pickle(path)
    if path.is_dir():
        return path
    if path.is_file():
        if path.suffix != WEIGHTS:
            raise BackboneError(
                f"{path} is no model",
                f"it is a {path.suffix or 'nameless'} file",
                "Give a .safetensors file or a folder in the Stable Diffusion layout.",
            )
        return path
    name = str(place)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise BackboneError(
            f"There is no model at {place}",
            "it is neither a folder nor a file",
            "Give a folder in the Stable Diffusion layout, a .safetensors file, or a name that `python main.py models "
            "list` shows; leave it out for the built-in model.",
        )
    return _cached(name)


def _cached(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise BackboneError(
            f"The model {repository} is not on this machine",
            "nothing is downloaded unasked",
            f"Fetch it by `python main.py models download {repository}`, or give a folder or file.",
        ) from error


def refuse_pickles(folder: Path) -> None:
    """Refuse a folder whose weights are pickles only.

    Args:
        folder: Of a part of a model, or of a ControlNet.

    Raises:
        BackboneError: It is so.
    """
    pickles = sorted(file for file in folder.iterdir() if file.suffix in _PICKLES)
    if pickles and not any(folder.glob(f"*{WEIGHTS}")):
        _refuse_pickle(pickles[0])


def _refuse_pickle(path: Path) -> None:
    raise BackboneError(
        f"{path} is refused",
        f"a {path.suffix} file is a Python pickle, which can run any code while it is read",
        "Get the .safetensors version of the model: most have one under the same name. Or convert it yourself, on a "
        "machine that you can lose: safetensors.torch.save_file(torch.load(path, weights_only=True), new_path).",
    )


def variant_of(folder: Path) -> str | None:
    """Return which variant of its weights a folder holds: None for the plain one, else its name, such as "fp16".

    Args:
        folder: Of a part of a model, or of a ControlNet.

    Raises:
        BackboneError: There are no weights, or only pickles.
    """
    names = sorted(file.name for file in folder.glob(f"*{WEIGHTS}*"))
    if not names:
        refuse_pickles(folder)
        raise BackboneError(f"Cannot load {folder}", "it holds no .safetensors file", _AGAIN)
    stems = [name.split(WEIGHTS)[0].split("-0")[0] for name in names]
    if "diffusion_pytorch_model" in stems or "model" in stems:
        return None
    # As diffusers names them: diffusion_pytorch_model.fp16.safetensors.
    variants = [stem.split(".", 1)[1] for stem in stems if "." in stem]
    return variants[0] if variants else None


def read_shapes(file: Path) -> Shapes:
    """Read the names and shapes of a weights file, and make sure that it is whole.

    Args:
        file: In the safetensors format.

    Raises:
        BackboneError: It is damaged, cut off, or something else.
    """
    return {name: tuple(entry["shape"]) for name, entry in _read_header(file).items() if name != "__metadata__"}


def _read_header(file: Path) -> dict[str, Any]:
    title = f"Cannot read {file}"
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _LONGEST_HEADER:
                raise BackboneError(title, "it is not in the safetensors format", _AGAIN)
            header: dict[str, Any] = json.loads(stream.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        whole = 8 + length + max(ends, default=0)
    except OSError as error:
        raise BackboneError(title, error.strerror or str(error), "Check the path and its permissions.") from error
    except (struct.error, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BackboneError(title, "it is not in the safetensors format", _AGAIN) from error
    size = file.stat().st_size
    if size < whole:
        raise BackboneError(title, f"it is cut off: {size} bytes of {whole} are there", _AGAIN)
    return header


def _kind_of_file(file: Path) -> Kind:
    names = read_shapes(file).keys()
    if any(name.startswith("model.diffusion_model.") for name in names):
        return "base"
    if any("lora" in name.lower() for name in names):
        return "lora"
    if any("zero_convs." in name or name.startswith("controlnet_cond_embedding.") for name in names):
        return "controlnet"
    raise BackboneError(
        f"{file} cannot be used",
        "its weights are those of no Stable Diffusion model, ControlNet or LoRA",
        "A part of a model (unet, vae, ...) is loaded from its folder, together with the others.",
    )


def layout_of(file: Path) -> Path:
    """Return the folder with the configurations (one sub-folder for each part) that a single weights file is built by.

    It is `<name>.layout` beside the file, if there is one; else the file's own measures tell whether it is a Stable
    Diffusion 1 or 2.

    Args:
        file: A base or ControlNet in one file.

    Raises:
        BackboneError: It is neither.
    """
    beside = file.with_suffix(".layout")
    if beside.is_dir():
        return beside
    shapes = read_shapes(file)
    prefixes = ("model.diffusion_model.", "control_model.", "")
    crossing = next((shapes[prefix + _LDM_CROSS] for prefix in prefixes if prefix + _LDM_CROSS in shapes), None)
    crossing = shapes.get(_CROSS, crossing)
    width = crossing[1] if crossing is not None and len(crossing) == 2 else 0
    if width not in _FAMILIES:
        raise BackboneError(
            f"{file} cannot be used",
            "its layers are not those of Stable Diffusion 1.5 or 2.1",
            f"Other structures are loaded from folders, or with their configurations in {beside.name} beside the file.",
        )
    return _LAYOUTS / _FAMILIES[width]


def family_folder(family: Literal["sd15", "sd21"]) -> Path:
    """Return the configurations of Stable Diffusion 1.5 or 2.1-base.

    Args:
        family: Which.
    """
    return _LAYOUTS / family


def read_config(place: ModelPlace, part: str) -> dict[str, Any]:
    """Read the configuration of a part of a base, or of a ControlNet (part "").

    Args:
        place: What is asked.
        part: Name of the part.

    Raises:
        BackboneError: It is missing or no JSON object.
    """
    folder = layout_of(place.path) if place.form == "file" else place.path
    if not part and place.form == "file":
        part = "controlnet"
    file = folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
    try:
        config = files.read_json(file)
    except FileFormatError as error:
        raise BackboneError(error.title, error.cause, _AGAIN) from error
    if not isinstance(config, dict):
        raise BackboneError(f"Cannot read {file}", "it holds no settings", _AGAIN)
    return config


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
