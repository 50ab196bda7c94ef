"""Downloading a model from the Hugging Face hub: only when asked, what it takes said before, and resumable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from qnerf_core.errors import BackboneError, Cancelled
from qnerf_core.models.layout import PARTS, WEIGHTS

# What a base of Stable Diffusion 1.5 is used with here.
RECOMMENDED = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5": "the base",
    "lllyasviel/control_v11p_sd15_openpose": "ControlNet for poses",
    "lllyasviel/control_v11f1p_sd15_depth": "ControlNet for proxies",
    "shariqfarooq/loose-control-3dbox": "LooseControl's LoRA, for loose proxies",
}
_TEXTS = (".json", ".txt")
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_RESUME = "Run the same command again: it goes on where it stopped."


@dataclass(frozen=True)
class Download:
    """What a download will fetch.

    Attributes:
        repository: Its id.
        revision: The commit that is fetched.
        target: Folder it is put in.
        sizes: Bytes of each file.
        missing: Files that are not in the folder yet.
    """

    repository: str
    revision: str
    target: Path
    sizes: Mapping[str, int]
    missing: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes that are still to fetch."""
        return sum(self.sizes[name] for name in self.missing)


def plan_download(repository: str, folder: Path, *, endpoint: str | None = None) -> Download:
    """Ask the hub what a repository holds. Nothing else is fetched.

    Args:
        repository: Its id, `owner/name`.
        folder: Where a folder named after it is to be.
        endpoint: Of another hub than the public one.

    Raises:
        BackboneError: It cannot be reached, does not exist, is closed, or holds nothing that can be used.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, HTTPError

    try:
        about = HfApi(endpoint=endpoint).model_info(repository, files_metadata=True)
    except (OSError, HTTPError, HFValidationError) as error:
        raise _unreachable(repository, error) from error
    sizes = {file.rfilename: int(file.size or 0) for file in about.siblings or ()}
    chosen = choose_files(repository, sizes)
    target = folder / repository.split("/")[-1]
    missing = tuple(
        name for name in chosen if not (target / name).is_file() or (target / name).stat().st_size != sizes[name]
    )
    return Download(repository, str(about.sha), target, {name: sizes[name] for name in chosen}, missing)


def fetch(
    plan: Download,
    progress: Callable[[float, str], None] = lambda _fraction, _file: None,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    endpoint: str | None = None,
) -> Path:
    """Download what is missing; files that were begun are gone on with.

    Args:
        plan: What to fetch.
        progress: Told the share that is done and the file that comes next.
        cancelled: Asked before each file.
        endpoint: Of another hub than the public one.

    Returns:
        The folder.

    Raises:
        BackboneError: The network failed; what was fetched stays.
        Cancelled: It was stopped; what was fetched stays.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HTTPError

    done, whole = 0, max(plan.size, 1)
    for name in plan.missing:
        if cancelled():
            raise Cancelled(f"The download of {plan.repository} is stopped", "what was fetched is kept", _RESUME)
        progress(done / whole, name)
        try:
            hf_hub_download(plan.repository, name, revision=plan.revision, local_dir=plan.target, endpoint=endpoint)
        except (OSError, HTTPError) as error:
            raise _unreachable(plan.repository, error) from error
        done += plan.sizes[name]
    return plan.target


def choose_files(repository: str, names: Mapping[str, int]) -> tuple[str, ...]:
    """Choose what is needed of a repository's files: safetensors, in full precision where there are any.

    Args:
        repository: Its id, for the errors.
        names: All its files.

    Raises:
        BackboneError: It holds nothing that can be used.
    """
    if "model_index.json" in names:
        folders = [*PARTS, *sorted({name.split("/")[0] for name in names if name.startswith("controlnet")})]
        chosen = ["model_index.json"]
        for folder in folders:
            inside = [name for name in names if name.startswith(f"{folder}/") and name.count("/") == 1]
            chosen += [name for name in inside if name.endswith(_TEXTS) and not name.endswith(".index.json")]
            if folder not in ("tokenizer", "scheduler"):
                chosen += _weights(repository, inside)
        return tuple(sorted(chosen))
    inside = [name for name in names if "/" not in name]
    return tuple(sorted([*_weights(repository, inside), *(["config.json"] if "config.json" in names else [])]))


def _weights(repository: str, names: list[str]) -> list[str]:
    weights = [name for name in names if name.endswith(WEIGHTS) and "non_ema" not in name]
    if not weights:
        raise BackboneError(
            f"{repository} cannot be used",
            "a part of it has no weights in the safetensors format, only pickles, which can run any code",
            "Look for a repository of the same model with .safetensors files.",
        )
    plain = [name for name in weights if "." not in _SHARD.sub("", name.split("/")[-1]).removesuffix(WEIGHTS)]
    shards = [f"{_SHARD.sub('', name)}.index.json" for name in plain if _SHARD.search(name)]
    return [*(plain or weights), *sorted(set(shards) & set(names))]


def _unreachable(repository: str, error: Exception) -> BackboneError:
    from huggingface_hub.errors import OfflineModeIsEnabled, RepositoryNotFoundError

    title = f"Cannot download {repository}"
    if isinstance(error, OfflineModeIsEnabled):
        return BackboneError(title, "HF_HUB_OFFLINE is set", "Unset it to allow this download.")
    if isinstance(error, RepositoryNotFoundError):
        return BackboneError(
            title,
            "there is no such repository, or it is closed",
            "Check its id. Closed ones: accept the licence on huggingface.co, then set HF_TOKEN.",
        )
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return BackboneError(title, reason, f"Check the network. {_RESUME}")
