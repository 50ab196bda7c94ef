"""A page of results: every capture and edit as a row of pictures, with the figures beside it.

``python -m qnerf_core.evaluation.captures_page --views 12 --out docs/captures-results.md`` runs and measures what is
missing (runs are kept under ``outputs/captures`` and resumed) and writes the page and its pictures. Every edit asked
for is on it, the worst ones too, in the order of the captures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qnerf_core import files
from qnerf_core.assets import builtin_scenes
from qnerf_core.editing.inputs import control_images
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import StudioError
from qnerf_core.evaluation.inputs import load_inputs
from qnerf_core.evaluation.running import finish_run
from qnerf_core.evaluation.table import COLUMNS, SOURCE, add_choices, choices, collect, specs
from qnerf_core.evaluation.table import METHODS as TABLE
from qnerf_core.export.picture import Row, compose, spread
from qnerf_core.runs.folder import RunFolder

METHODS = {"ours": "qnerf-unmoved-kept", "independent": "independent-unmoved-kept"}
_LABELS = {method: label for label, method in METHODS.items()} | {
    "qnerf-background-kept": "ours, subject repainted",
    "independent-background-kept": "independent, subject repainted",
    "qnerf": "ours, all repainted",
    "independent": "independent, all repainted",
    "qnerf-unled": "ours, not led by correspondence",
    "independent-unled": "independent, not led by correspondence",
    SOURCE: "unedited",
}
_SHOWN = 6
_CELL = 128
_FIGURES = (
    "psnr_truth", "perceptual_truth", "silhouette_iou", "view_agreement_psnr", "view_disagreement", "kid",
)  # fmt: skip
_HEADINGS = {column.key: column for column in COLUMNS}
_WANTED_IOU = 0.85

Reports = Mapping[tuple[str, str], Mapping[str, Any]]
"""Of one capture, as `table.collect` gives them."""


@dataclass(frozen=True)
class Verdict:
    """One thing that the edits should reach, and where they stand."""

    wanted: str
    reached: bool
    figures: str


def verdicts(captures: Mapping[str, Reports]) -> list[Verdict]:
    """Judge all edits together, against what issue 4 asks of them.

    Args:
        captures: Reports by name of the capture.

    Returns:
        One verdict for each thing asked.
    """
    ours, other = METHODS["ours"], METHODS["independent"]
    overlaps = [_mean(reports, ours, "silhouette_iou") for reports in captures.values()]
    mean = float(np.mean(overlaps))
    per_capture = ", ".join(f"{name} {value:.3f}" for name, value in zip(captures, overlaps, strict=True))
    result = [
        Verdict(
            f"silhouette IoU, mean of the captures, at least {_WANTED_IOU}",
            mean >= _WANTED_IOU,
            f"{mean:.3f} ({per_capture})",
        )
    ]
    for key, better in (("view_agreement_psnr", 1), ("view_disagreement", -1)):
        pairs = {name: (_mean(reports, ours, key), _mean(reports, other, key)) for name, reports in captures.items()}
        result.append(
            Verdict(
                f"{_HEADINGS[key].heading}: better than independent on every capture",
                all(better * mine > better * theirs for mine, theirs in pairs.values()),
                ", ".join(f"{name} {mine:.3f} against {theirs:.3f}" for name, (mine, theirs) in pairs.items()),
            )
        )
    farther = [
        f"{name} {edit}"
        for name, reports in captures.items()
        for (edit, method), entry in reports.items()
        if method == ours and entry["perceptual_truth"] >= reports[edit, SOURCE]["perceptual_truth"]
    ]
    result.append(
        Verdict(
            "perceptual distance to the truth below the unedited source's on every edit",
            not farther,
            f"not below: {', '.join(farther)}" if farther else "below on all",
        )
    )
    return result


def _mean(reports: Reports, method: str, key: str) -> float:
    values = [entry[key] for (_, each), entry in reports.items() if each == method]
    # Neighbours too far apart cannot be compared: not a number, which is better than nothing.
    return float(np.mean(values)) if None not in values else float("nan")


def row_picture(run: Path | str, other: Path | str) -> np.ndarray:
    """Source, target control, both methods and truth of an edit, one row each.

    Args:
        run: The folder of the edit by the whole method.
        other: That of the same edit of every view for itself.

    Returns:
        uint8 (H, W, 3).

    Raises:
        StudioError: A run is not finished, or knows no truth.
    """
    inputs, second = load_inputs(run), load_inputs(other)
    if inputs.truth is None:
        raise StudioError(f"{run} knows no truth", inputs.no_truth, "Use a built-in capture.")
    chosen = spread(len(inputs.cameras), _SHOWN)
    names = [inputs.run.views[index] for index in chosen]
    height, width = inputs.edited.shape[2:]
    rows = [
        Row("before", _pictures(inputs.source[chosen])),
        Row("target", control_images(inputs.run.spec, names, (height, width))),
        Row("QNeRF", _pictures(inputs.edited[chosen])),
        Row("every view for itself", _pictures(second.edited[chosen])),
        Row("truth", _pictures(inputs.truth.images[chosen])),
    ]
    return compose(rows, _CELL)


def _pictures(images: np.ndarray) -> list[np.ndarray]:
    return list((np.moveaxis(images, 1, -1) * 255).round().clip(0, 255).astype(np.uint8))


def markdown(captures: Mapping[str, Reports], pictures: Mapping[tuple[str, str], str], command: str) -> str:
    """The page.

    Args:
        captures: Reports by name of the capture.
        pictures: By (capture, edit), where its picture is, seen from the page.
        command: That made it.

    Returns:
        Markdown.
    """
    some = next(entry for (_, method), entry in next(iter(captures.values())).items() if method != SOURCE)
    lines = [
        "# Results on the built-in captures",
        "",
        f"Made by `{command}`: {some['report']['views']} views of each capture, seed {some['report']['seed']}, model "
        f"`{(some['info']['model']['sha256'] or 'not hashed')[:12]}`. Background and what does not move are kept, but "
        "where a row says that more is repainted (all of it, as in the paper). Rows of a picture: before; what the "
        "diffusion sees of the target; the whole method (QNeRF); every view for itself "
        "(`independent`: the same without consolidation); the truth. The columns are explained in "
        "[results.md](results.md).",
        "",
        "## Where it stands",
        "",
        "| wanted | reached | figures |",
        "|---|---|---|",
    ]
    lines += [f"| {each.wanted} | {'yes' if each.reached else 'no'} | {each.figures} |" for each in verdicts(captures)]
    for name, reports in captures.items():
        lines += ["", f"## {name}", ""]
        lines += ["| edit | method | " + " | ".join(_HEADINGS[key].heading for key in _FIGURES) + " |"]
        lines += ["|---|---|" + "---:|" * len(_FIGURES)]
        for edit in dict.fromkeys(edit for edit, _ in reports):
            for method in (method for each, method in reports if each == edit):
                cells = (_cell(reports[edit, method].get(key), _HEADINGS[key].digits) for key in _FIGURES)
                lines.append(f"| {edit} | {_LABELS.get(method, method)} | " + " | ".join(cells) + " |")
        for edit in dict.fromkeys(edit for edit, _ in reports):
            lines += ["", f"![{name}, {edit}]({pictures[name, edit]})"]
    return "\n".join(lines) + "\n"


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def main(arguments: Sequence[str] | None = None, *, finish: Callable[[EditSpec, Path], RunFolder] = finish_run) -> int:
    """The command; returns its exit status.

    Args:
        arguments: Instead of the command line's.
        finish: Brings one run to its end.
    """
    parser = argparse.ArgumentParser(prog="python -m qnerf_core.evaluation.captures_page", description=__doc__)
    parser.add_argument("--scenes", default=",".join(builtin_scenes()), help="comma-separated; default: all built-in")
    parser.add_argument("--first-edits", type=int, help="so many edits of each capture; default: all")
    parser.add_argument(
        "--also",
        default="",
        help="further methods, comma-separated: " + ", ".join(name for name in TABLE if name not in METHODS.values()),
    )
    add_choices(parser)
    parser.add_argument("--runs", type=Path, default=Path("outputs/captures"), help="where the runs are kept")
    parser.add_argument("--out", type=Path, default=Path("docs/captures-results.md"))
    options = parser.parse_args(arguments)
    methods = [*METHODS.values(), *filter(None, options.also.split(","))]
    if unknown := [method for method in methods if method not in TABLE]:
        parser.error(f"unknown methods: {', '.join(unknown)}")
    command = " ".join(
        ["python -m qnerf_core.evaluation.captures_page", *(sys.argv[1:] if arguments is None else arguments)]
    )
    captures: dict[str, Reports] = {}
    pictures: dict[tuple[str, str], str] = {}
    folder = options.out.parent / "pictures" / "results"
    try:
        for scene in options.scenes.split(","):
            wanted = specs(scene, methods, **choices(options))
            edits = list(dict.fromkeys(edit for edit, _ in wanted))[: options.first_edits]
            name, runs = Path(scene).name, options.runs / Path(scene).name
            captures[name] = collect(
                {key: spec for key, spec in wanted.items() if key[0] in edits},
                runs,
                nerf=False,
                say=partial(_say, name),
                finish=finish,
            )
            folder.mkdir(parents=True, exist_ok=True)
            for edit in edits:
                path = folder / f"{name}-{edit}.jpg"
                files.write_image(path, row_picture(*(runs / f"{edit}-{method}" for method in METHODS.values())))
                pictures[name, edit] = path.relative_to(options.out.parent).as_posix()
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    files.write_bytes(options.out, markdown(captures, pictures, command).encode())
    _say("written", str(options.out))
    return 0


def _say(about: str, text: str) -> None:
    sys.stderr.write(f"{about}: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
