"""The settings of the Edit inspector: which there are, what they do and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.panels.editors import (
    Choice,
    Decimal,
    Editor,
    Layers,
    OptionalDecimal,
    OptionalWhole,
    Seed,
    Strength,
    Switch,
    Text,
    Whole,
)
from app.panels.fields import FieldRow
from qnerf_core.editing.spec import EditSpec

DEFAULTS = EditSpec().model_dump()


@dataclass(frozen=True)
class Setting:
    name: str
    label: str
    tip: str
    editor: Callable[[], Editor]
    needs_consolidation: bool = False

    def row(self) -> FieldRow:
        return FieldRow(self.name, self.label, self.tip, self.editor(), value_of(DEFAULTS, self.name))


PLAIN = (
    Setting(
        "prompt",
        "Prompt",
        "What the pictures show, in words. Empty: the capture's own words. Naming what is there keeps it; other words "
        "change it. Costs nothing.",
        lambda: Text(optional=True),
    ),
    Setting(
        "method",
        "Method",
        "Consolidated: all views are edited together and agree, by a field of their queries (QNeRF). Independent: "
        "every view alone, which takes half the time; the views then differ in what the photos do not show.",
        lambda: Choice((("Consolidated (QNeRF)", "qnerf"), ("Independent views", "independent"))),
    ),
    Setting(
        "diffusion.guidance.alpha",
        "Consolidation",
        "How strongly the views are drawn together. Too little leaves them different, too much takes detail away. "
        "Costs the same at any strength.",
        Strength,
        needs_consolidation=True,
    ),
    Setting(
        "diffusion.steps",
        "Steps",
        "Steps of the diffusion, there and back. More keep the photos' details better; the time grows with them.",
        lambda: Whole(2, 200),
    ),
    Setting(
        "seed",
        "Seed",
        "Starts everything that is drawn at random. The same seed and settings give the same pictures. Costs nothing.",
        Seed,
    ),
)
# The panel adds: the edit, the views, the model.
PREVIEWS = Setting(
    "previews",
    "",
    "Decode a picture of every view after every interval, to scrub through. About 5 % more time.",
    lambda: Switch("Picture after every interval"),
)

ADVANCED = (
    (
        "Intervals",
        (
            Setting(
                "tau",
                "Half interval",
                "Steps that are kept before all views are brought together again. Fewer consolidate more often, and "
                "every time a field is fitted.",
                lambda: Whole(1, 100, " steps"),
            ),
            Setting(
                "progressive",
                "",
                "Off: one field is fitted once, for the whole edit (the paper's ablation). Saves time, agrees less.",
                lambda: Switch("Consolidate progressively"),
                needs_consolidation=True,
            ),
        ),
    ),
    (
        "Guidance",
        (
            Setting(
                "diffusion.guidance.stop_fraction",
                "Guide until",
                "Share of the steps after which every view goes on alone, so that fine detail comes back. Guided steps "
                "take three times as long.",
                lambda: Decimal(0.0, 1.0, 0.05, 2),
                needs_consolidation=True,
            ),
            Setting(
                "diffusion.guidance.layers",
                "Layers",
                "Positions of the query layers that guide, for example 0, 1, 2. Coarse layers come first; fewer and "
                "coarser ones save time.",
                Layers,
                needs_consolidation=True,
            ),
            Setting(
                "hard_injection",
                "",
                "Replace the queries by the rendered ones instead of guiding softly (the paper's ablation). Faster, "
                "and blurred.",
                lambda: Switch("Replace the queries"),
                needs_consolidation=True,
            ),
            Setting(
                "diffusion.guidance_scale",
                "Prompt scale",
                "Classifier-free guidance: how much more the prompt counts. Above 1 every step takes twice as long.",
                lambda: Decimal(1.0, 20.0, 0.5, 1),
            ),
            Setting(
                "diffusion.control_scale",
                "Control scale",
                "How much the pose counts. 1 is what the model was trained with. Costs nothing.",
                lambda: Decimal(0.0, 2.0, 0.1, 2),
            ),
            Setting(
                "diffusion.negative_prompt",
                "Negative",
                "What the pictures should not show. Only with a prompt scale above 1.",
                Text,
            ),
        ),
    ),
    (
        "Looks of the photos",
        (
            Setting(
                "diffusion.injection.enabled",
                "",
                "Give the edited views the keys and values of their photos, which keeps face, clothes and room. Off: "
                "only the prompt tells how things look.",
                lambda: Switch("Take looks from the photos"),
            ),
            Setting(
                "diffusion.source_branch",
                "Photos",
                "How the photos go through the model: free, as MasaCtrl does it, or told what they show, by the "
                "source's control image and the capture's prompt, so that the parts of photo and edit find each other. "
                "The inversion then takes a third longer.",
                lambda: Choice(
                    (("As the model learned it", "auto"), ("Free", "free"), ("Told what they show", "described"))
                ),
            ),
            Setting(
                "diffusion.correspondence",
                "Places",
                "The control tells where each place of the edit was on the subject. Led: the edit starts from a draft, "
                "the photos with the subject moved, takes its looks from the same places, and what the subject leaves "
                "becomes background. Off: places find each other by themselves, as in the paper.",
                lambda: Choice((("As the model learned it", "auto"), ("Led by the control", "on"), ("Off", "off"))),
            ),
            Setting(
                "diffusion.strength",
                "Noise",
                "Share of the noise that inversion and edit go through. 1: all, as in the paper. Less keeps more of "
                "what the edit starts from, and repairs less of it. Automatic: as the model learned it.",
                lambda: OptionalDecimal(0.05, 1.0, 0.05, 2),
            ),
            Setting(
                "diffusion.details",
                "",
                "Give the subject back the fine detail that the model's autoencoder cannot hold, where the edit shows "
                "the same as its draft. Off: all of the subject is the model's own. Without drafts it does nothing.",
                lambda: Switch("Keep fine detail"),
            ),
            Setting(
                "diffusion.injection.start_fraction",
                "From",
                "Share of the steps after which looks are taken over. Later frees the pose, earlier keeps more.",
                lambda: Decimal(0.0, 1.0, 0.02, 2),
            ),
            Setting(
                "diffusion.injection.first_layer",
                "First layer",
                "First layer that takes them over. Lower ones keep more and can hold the old pose.",
                lambda: OptionalWhole(0, 15),
            ),
        ),
    ),
    (
        "Background",
        (
            Setting(
                "background.keep",
                "",
                "Outside the subject, before and after, the pictures stay those of the photos, bit for bit. Off: the "
                "model paints everything anew, as in the paper.",
                lambda: Switch("Keep the background"),
            ),
            Setting(
                "background.unmoved",
                "",
                "Parts of the subject that the edit does not move stay those of the photos, too: a face keeps its "
                "look. Off: the model paints the whole subject anew.",
                lambda: Switch("Keep what does not move"),
            ),
            Setting(
                "background.margin",
                "Margin",
                "Pixels around the silhouette, in a picture of 256, that belong to the subject: hair and clothes.",
                lambda: Decimal(0.0, 64.0, 1.0, 1, " px"),
            ),
            Setting(
                "background.light_reach",
                "Shadows",
                "How far the subject's shadow may change the floor, in heights of the subject. 0 keeps the photo's "
                "light.",
                lambda: Decimal(0.0, 3.0, 0.1, 1),
            ),
        ),
    ),
    (
        "QNeRF",
        (
            Setting(
                "qnerf.iterations",
                "First fit",
                "Iterations of the first field. More fit the queries better; it is a small part of the time.",
                lambda: Whole(0, 2000, " iterations"),
                needs_consolidation=True,
            ),
            Setting(
                "qnerf.warm_iterations",
                "Later fits",
                "Iterations of each later field, which starts from the one before.",
                lambda: Whole(0, 2000, " iterations"),
                needs_consolidation=True,
            ),
        ),
    ),
    (
        "Model",
        (
            Setting(
                "model.controlnet",
                "ControlNet",
                "Another one than the model's own: a name of the models' page, a folder or a file. It must be made for "
                "the same base, and read what the capture is edited by.",
                lambda: Text(optional=True),
            ),
            Setting(
                "model.lora",
                "LoRA",
                "Added to the ControlNet, such as LooseControl's for proxies: a name, a folder or a file.",
                lambda: Text(optional=True),
            ),
            Setting(
                "model.lora_scale",
                "LoRA scale",
                "How much of the LoRA is added to the ControlNet. 1 is what it was trained with. Costs nothing.",
                lambda: Decimal(0.0, 2.0, 0.1, 2),
            ),
        ),
    ),
    (
        "Size and memory",
        (
            Setting(
                "model.precision",
                "Precision",
                "What the model computes in. Half the memory in 16 bits; on processors without bfloat16 only float32 "
                "is quick. Automatic: what suits the device.",
                lambda: Choice(
                    (
                        ("Automatic", "auto"),
                        ("float32", "float32"),
                        ("float16", "float16"),
                        ("bfloat16", "bfloat16"),
                    )
                ),
            ),
            Setting(
                "model.slicing",
                "",
                "Attention in slices, pictures decoded one by one: less memory, more time.",
                lambda: Switch("Attention in slices"),
            ),
            Setting(
                "model.offload",
                "",
                "Networks that are not in use leave the graphics card: less of its memory, more time.",
                lambda: Switch("Offload what is not in use"),
            ),
            Setting(
                "model.tiling",
                "",
                "Large pictures are decoded in tiles: less memory, faint seams may be seen.",
                lambda: Switch("Decode in tiles"),
            ),
            Setting(
                "image_size",
                "Picture size",
                "Longer side of the pictures in pixels; automatic is the model's own. Time and memory grow with its "
                "square.",
                lambda: OptionalWhole(64, 1024, 64),
            ),
            Setting(
                "diffusion.view_batch",
                "Views at once",
                "Views in one pass of the network. Fewer need less memory and take a little longer.",
                lambda: Whole(1, 64),
            ),
            Setting(
                "diffusion.injection.memory_limit_mb",
                "Features",
                "What the inversion may keep of the photos' features. If they do not fit they are computed "
                "again, which takes a third longer.",
                lambda: Decimal(0, 64000, 500, 0, " MB"),
            ),
        ),
    ),
)


def value_of(settings: dict[str, Any], name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = value[part]
    return value
