"""The one object that holds every choice of an edit."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qnerf_core.diffusion.settings import DiffusionSettings, ModelSettings
from qnerf_core.field.settings import QNeRFSettings


class ControlSettings(BaseModel):
    """How the target is shown to the diffusion and to the QNeRF's depth loss (method.md 1.4, 1.8).

    Attributes:
        kind: Which ControlNet of the backbone's folder reads the control images: "skeleton" for poses, "depth" for
            loose proxies; None is what the capture is edited by.
        style: Drawing style of the skeleton, which must match the ControlNet.
        depth_style: How depth is painted, which must match the ControlNet: "zoe" as LooseControl, "midas" as the
            first depth ControlNets.
        uncertain_band: Width, in pixels of a 256 px picture, of the band outside the target's silhouette in which depth
            is not trusted (measured on `person`: beyond two pixels fewer errors are not to be had).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["skeleton", "depth"] | None = None
    style: Literal["v1.0", "v1.1"] = "v1.1"
    depth_style: Literal["zoe", "midas"] = "zoe"
    uncertain_band: float = Field(default=2.0, ge=0.0)


class BackgroundSettings(BaseModel):
    """What of the pictures stays as it was. Not in the paper: switched off to reproduce it.

    Attributes:
        keep: Outside the subject's silhouettes before and after the edit, every step's latents and the final pixels
            are the photo's own.
        unmoved: So they are on those parts of the subject that the edit does not move.
        margin: Pixels of a 256 px picture around the silhouettes that belong to the subject: hair and clothes stand
            off a body. As much as the source's subject is seen to stand off is added.
        feather: Pixels of a 256 px picture over which the edited picture passes into the photo.
        light_reach: Around the subject its shadow falls, and the edit changes it: as far as this, in heights of the
            subject, the photo is made darker or brighter as the edit makes it. 0 keeps the photo's light.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: bool = True
    unmoved: bool = True
    margin: float = Field(default=5.0, ge=0.0)
    feather: float = Field(default=6.0, ge=0.0)
    light_reach: float = Field(default=0.6, ge=0.0)


class EditSpec(BaseModel):
    """A whole edit, frozen and serialisable: the same spec gives the same bytes.

    Attributes:
        scene: Name of a built-in capture, or the folder of one.
        edit: Name of one of the capture's edits, or the path of a pose or proxy file.
        source: Path of the pose or proxy that the pictures show; None is the one beside the edit's file, or else the
            capture's own.
        views: Which training views to edit: None all, a number that many spread evenly, or their names. Order does not
            matter: views are always taken in the order of the scene.
        method: "qnerf" consolidates; "independent" edits every view alone (the ablation "no consolidation").
        hard_injection: Replace the queries by the rendered ones instead of guiding softly (ablation).
        progressive: False fits one QNeRF, once, to a full unguided pass, and uses it throughout (ablation).
        backbone: "builtin", or a folder, `.safetensors` file or hub id of a model in the Stable Diffusion layout.
        model: What it is used with (ControlNet, LoRA), precision and ways to save memory.
        prompt: Prompt of the edit; None takes the scene's own.
        tau: Half the length of an interval, in steps.
        seed: Of everything that is drawn at random.
        image_size: Longer side of the pictures the diffusion works on; None is the backbone's own.
        previews: Decode a preview of every view at the end of every interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: str = "person"
    edit: str = "raise-arms"
    source: str | None = None
    views: int | tuple[str, ...] | None = None
    method: Literal["qnerf", "independent"] = "qnerf"
    hard_injection: bool = False
    progressive: bool = True
    backbone: str = "builtin"
    model: ModelSettings = ModelSettings()
    prompt: str | None = None
    tau: int = Field(default=4, ge=1)
    seed: int = Field(default=0, ge=0)
    image_size: int | None = Field(default=None, ge=16)
    previews: bool = True
    control: ControlSettings = ControlSettings()
    background: BackgroundSettings = BackgroundSettings()
    diffusion: DiffusionSettings = DiffusionSettings()
    qnerf: QNeRFSettings = QNeRFSettings()

    @model_validator(mode="after")
    def _views_are_some(self) -> Self:
        if self.views == () or (isinstance(self.views, int) and self.views < 1):
            raise ValueError("views must be None, a number above zero or a list of names")
        return self

    @property
    def steps(self) -> int:
        """Number of DDIM steps."""
        return self.diffusion.steps

    @property
    def stop_step(self) -> int:
        """Steps after which nothing is guided any more."""
        return round(self.diffusion.guidance.stop_fraction * self.diffusion.steps)
