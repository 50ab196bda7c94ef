"""All edits of a capture by all methods, measured, in one table.

``python -m qnerf_core.evaluation.table --scene person --out docs/results.md`` runs what is missing (runs are kept under
``outputs/table`` and resumed), evaluates what was not evaluated, and writes the table. Every edit of the capture and
every method asked for is in it; nothing is picked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qnerf_core import files
from qnerf_core.editing.spec import EditSpec
from qnerf_core.errors import StudioError
from qnerf_core.evaluation.report import EVALUATION_FILE, NERF_OFF, REPORT_VERSION, evaluate
from qnerf_core.evaluation.running import finish_run
from qnerf_core.runs.folder import RunFolder
from qnerf_core.runs.scenes import load_run_scene

# The paper's method and its ablations repaint the background, too; what is kept in addition comes after them, and last
# what is lost without the control's correspondences.
_AS_PAPER: Mapping[str, Any] = {"background": {"keep": False}}
_UNLED: Mapping[str, Any] = {"diffusion": {"correspondence": "off"}}
_SUBJECT_REPAINTED: Mapping[str, Any] = {"background": {"unmoved": False}}
METHODS: Mapping[str, Mapping[str, Any]] = {
    "qnerf": _AS_PAPER,
    "independent": {"method": "independent", **_AS_PAPER},
    "hard-injection": {"hard_injection": True, **_AS_PAPER},
    "not-progressive": {"progressive": False, **_AS_PAPER},
    "qnerf-background-kept": _SUBJECT_REPAINTED,
    "independent-background-kept": {"method": "independent", **_SUBJECT_REPAINTED},
    "qnerf-unmoved-kept": {},
    "independent-unmoved-kept": {"method": "independent"},
    "qnerf-unled": _UNLED,
    "independent-unled": {"method": "independent", **_UNLED},
}
SOURCE = "unedited source"


@dataclass(frozen=True)
class Column:
    """A column: key of the report, heading, digits, and whether more is better (None: not to be ranked)."""

    key: str
    heading: str
    digits: int
    more_is_better: bool | None


COLUMNS = (
    Column("psnr_truth", "PSNR ↑", 2, True),
    Column("ssim_truth", "SSIM ↑", 3, True),
    Column("perceptual_truth", "perceptual ↓", 3, False),
    Column("silhouette_iou", "silhouette IoU ↑", 3, True),
    Column("view_agreement_psnr", "agreement, dB ↑", 2, True),
    Column("view_agreement_psnr_figure", "agreement on the figure, dB ↑", 2, True),
    Column("view_disagreement", "disagreement ↓", 3, False),
    Column("view_disagreement_figure", "disagreement on the figure ↓", 3, False),
    Column("heldout_nerf_psnr", "NeRF on kept-out views, dB ↑", 2, True),
    Column("kid", "KID ↓", 3, False),
    Column("fid", "FID ↓", 1, False),
    Column("kid_truth", "KID to truth ↓", 3, False),
    Column("fid_truth", "FID to truth ↓", 1, False),
    Column("query_disagreement_last", "query disagreement ↓", 3, False),
    Column("minutes", "minutes", 1, None),
)


def specs(
    scene: str, methods: Iterable[str], edits: Sequence[str] | None = None, **fields: Any
) -> dict[tuple[str, str], EditSpec]:
    """One spec for every edit and method.

    Args:
        scene: A capture with edits.
        methods: Names from `METHODS`.
        edits: Names of edits; None for all that the capture brings.
        fields: Further fields of the spec, the same for all.

    Returns:
        By (edit, method).

    Raises:
        StudioError: The scene brings no edits.
    """
    capture = load_run_scene(scene)[1]
    if capture is None or not capture.edits:
        raise StudioError(f"{scene} brings no edits", "a table needs edits with true pictures", "Use a built-in scene.")
    for edit in edits or ():
        capture.edit(edit)
    return {
        (edit, method): EditSpec(scene=scene, edit=edit, **_combined(fields, METHODS[method]))
        for edit in edits or capture.edits
        for method in methods
    }


def _combined(fields: Mapping[str, Any], method: Mapping[str, Any]) -> dict[str, Any]:
    """Both choices; where both choose within one part of a spec, both of it."""
    inner = {key: {**fields[key], **value} for key, value in method.items() if isinstance(fields.get(key), Mapping)}
    return {**fields, **method, **inner}


def evaluated(run: RunFolder, nerf: bool, source: Mapping[str, Any] | None) -> dict[str, Any]:
    """The run's report, from its folder if it is there and complete, else measured now."""
    path = run.path / EVALUATION_FILE
    if path.is_file():
        report: dict[str, Any] = files.read_json(path)
        complete = not nerf or report["unavailable"].get("heldout_nerf_psnr") != NERF_OFF
        if report.get("version") == REPORT_VERSION and complete:
            return report
    return evaluate(run.path, nerf=nerf, source=source)


def collect(
    wanted: Mapping[tuple[str, str], EditSpec],
    folder: Path,
    *,
    nerf: bool = True,
    say: Callable[[str], None] = lambda _: None,
    finish: Callable[[EditSpec, Path], RunFolder] = finish_run,
) -> dict[tuple[str, str], dict[str, Any]]:
    """Run and measure everything that was not.

    Args:
        wanted: Specs by (edit, method).
        folder: Where the runs are kept, one folder each.
        nerf: Also measure by a radiance field.
        say: Called with what is being done.
        finish: Brings one run to its end.

    Returns:
        Reports by (edit, method); the unedited source of each edit as (edit, `SOURCE`), after the methods.

    Raises:
        StudioError: A run failed.
    """
    reports: dict[tuple[str, str], dict[str, Any]] = {}
    sources: dict[str, Mapping[str, Any]] = {}
    for (edit, method), spec in wanted.items():
        say(f"{edit}, {method}: editing")
        run = finish(spec, folder / f"{edit}-{method}")
        say(f"{edit}, {method}: measuring")
        report = evaluated(run, nerf, sources.get(edit))
        sources.setdefault(edit, report["source"])
        row = {column.key: report.get(column.key) for column in COLUMNS}
        disagreement = [entry["kept"] for entry in report["query_disagreement"] if entry["kept"] is not None]
        row["query_disagreement_last"] = disagreement[-1] if disagreement else None
        row["minutes"] = sum(run.info["seconds"].values()) / 60
        reports[edit, method] = row | {"report": report, "info": run.info}
    for edit, source in sources.items():
        reports[edit, SOURCE] = {column.key: source.get(column.key) for column in COLUMNS}
    return reports


def markdown(reports: Mapping[tuple[str, str], Mapping[str, Any]], command: str) -> str:
    """The table with what one must know to read it.

    Args:
        reports: What `collect` gave.
        command: That made it.

    Returns:
        Markdown.
    """
    edits = list(dict.fromkeys(edit for edit, _ in reports))
    methods = list(dict.fromkeys(method for _, method in reports if method != SOURCE))
    some = next(entry for (_, method), entry in reports.items() if method != SOURCE)
    report, info = some["report"], some["info"]
    diffusion, model = info["spec"]["diffusion"], info["model"]
    made_with = ", ".join(f"{name} {number}" for name, number in info["versions"].items())
    lines = [
        "# Results",
        "",
        f"Made by `{command}`. Scene `{report['scene']}`, {report['views']} views of {report['image_size'][1]} x "
        f"{report['image_size'][0]} px, {diffusion['steps']} steps, tau {info['spec']['tau']}, seed {report['seed']}; "
        f"model `{model['backbone']}` ({(model['sha256'] or 'not hashed')[:12]}), {made_with}. The best of the methods "
        "in each group is bold; the source and the ceiling are not ranked.",
        "",
        "| edit | method | " + " | ".join(column.heading for column in COLUMNS) + " |",
        "|---|---|" + "---:|" * len(COLUMNS),
    ]
    for edit in edits:
        lines += _group(edit, {method: reports[edit, method] for method in methods if (edit, method) in reports})
        lines.append(_line(edit, SOURCE, reports[edit, SOURCE], {}))
        ceilings = {
            "silhouette_iou": reports[edit, methods[0]]["report"]["silhouette_iou_ceiling"],
            "view_agreement_psnr": reports[edit, methods[0]]["report"]["view_agreement_psnr_ceiling"],
            "view_disagreement": reports[edit, methods[0]]["report"]["view_disagreement_ceiling"],
        }
        lines.append(_line(edit, "truth (ceiling)", ceilings, {}))
    if len(edits) > 1:
        means = {method: _means([reports[edit, method] for edit in edits]) for method in (*methods, SOURCE)}
        lines += _group("mean", {method: means[method] for method in methods})
        lines.append(_line("mean", SOURCE, means[SOURCE], {}))
    lines += ["", "How to read the columns:", ""]
    lines += [f"* `{key}`: {text}." for key, text in report["explanations"].items()]
    lines.append(f"* Feature network: {report['feature_networks']['kid_fid']}.")
    lines += [f"* {edit}, {name}: {text}." for (edit, name), entry in reports.items() if name != SOURCE
              for text in entry["report"]["warnings"]]  # fmt: skip
    return "\n".join(lines) + "\n"


def _group(edit: str, rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    best = {}
    for column in COLUMNS:
        values = [row[column.key] for row in rows.values() if row.get(column.key) is not None]
        if column.more_is_better is not None and len(values) > 1:
            best[column.key] = max(values) if column.more_is_better else min(values)
    return [_line(edit, method, row, best) for method, row in rows.items()]


def _line(edit: str, method: str, row: Mapping[str, Any], best: Mapping[str, float]) -> str:
    cells = []
    for column in COLUMNS:
        value = row.get(column.key)
        text = "" if value is None else f"{value:.{column.digits}f}"
        cells.append(f"**{text}**" if value is not None and best.get(column.key) == value else text)
    return f"| {edit} | {method} | " + " | ".join(cells) + " |"


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    result: dict[str, float | None] = {}
    for column in COLUMNS:
        values = [row[column.key] for row in rows]
        # A mean over some of the edits would compare unequal things.
        result[column.key] = None if any(value is None for value in values) else float(np.mean(values))
    return result


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options that are the same for all edits of a table."""
    parser.add_argument("--views", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--tau", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backbone", default="builtin")


def choices(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a spec that `add_choices` asked for."""
    fields: dict[str, Any] = {"views": options.views, "seed": options.seed, "backbone": options.backbone}
    if options.tau:
        fields["tau"] = options.tau
    if options.steps:
        fields["diffusion"] = {"steps": options.steps}
    return fields


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m qnerf_core.evaluation.table", description=__doc__)
    parser.add_argument("--scene", default="person")
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated: " + ", ".join(METHODS))
    parser.add_argument("--edits", help="comma-separated; default: all that the capture brings")
    add_choices(parser)
    parser.add_argument("--no-nerf", action="store_true", help="leave out the radiance fields")
    parser.add_argument("--runs", type=Path, default=Path("outputs/table"), help="where the runs are kept")
    parser.add_argument("--out", type=Path, default=Path("docs/results.md"))
    options = parser.parse_args(arguments)
    methods = options.methods.split(",")
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        parser.error(f"unknown methods: {', '.join(unknown)}")
    edits = options.edits.split(",") if options.edits else None
    command = "python -m qnerf_core.evaluation.table " + " ".join(sys.argv[1:] if arguments is None else arguments)
    try:
        wanted = specs(options.scene, methods, edits, **choices(options))
        reports = collect(wanted, options.runs, nerf=not options.no_nerf, say=_say)
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    files.write_bytes(options.out, markdown(reports, command.strip()).encode())
    _say(f"written: {options.out}")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
