"""The one object that holds every choice of an edit."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qnerf_core.diffusion.settings import DiffusionSettings
from qnerf_core.field.settings import QNeRFSettings


class ControlSettings(BaseModel):
    """How the target pose is shown to the diffusion and to the QNeRF's depth loss (method.md 1.4, 1.8).

    Attributes:
        kind: Which ControlNet of the backbone's folder reads the control images.
        style: Drawing style of the skeleton, which must match the ControlNet.
        uncertain_band: Width, in pixels of a 256 px picture, of the band outside the target's silhouette in which depth
            is not trusted (measured on `person`: beyond two pixels fewer errors are not to be had).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["skeleton"] = "skeleton"
    style: Literal["v1.0", "v1.1"] = "v1.1"
    uncertain_band: float = Field(default=2.0, ge=0.0)


class EditSpec(BaseModel):
    """A whole edit, frozen and serialisable: the same spec gives the same bytes.

    Attributes:
        scene: Name of a built-in capture, or the folder of one.
        edit: Name of one of the capture's edits, or the path of a pose file.
        views: Which training views to edit: None all, a number that many spread evenly, or their names. Order does not
            matter: views are always taken in the order of the scene.
        method: "qnerf" consolidates; "independent" edits every view alone (the ablation "no consolidation").
        hard_injection: Replace the queries by the rendered ones instead of guiding softly (ablation).
        progressive: False fits one QNeRF, once, to a full unguided pass, and uses it throughout (ablation).
        backbone: "builtin" or a folder (or hub id) in the Stable Diffusion layout.
        prompt: Prompt of the edit; None takes the scene's own.
        tau: Half the length of an interval, in steps.
        seed: Of everything that is drawn at random.
        image_size: Longer side of the pictures the diffusion works on; None is the backbone's own.
        previews: Decode a preview of every view at the end of every interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: str = "person"
    edit: str = "raise-arms"
    views: int | tuple[str, ...] | None = None
    method: Literal["qnerf", "independent"] = "qnerf"
    hard_injection: bool = False
    progressive: bool = True
    backbone: str = "builtin"
    prompt: str | None = None
    tau: int = Field(default=4, ge=1)
    seed: int = Field(default=0, ge=0)
    image_size: int | None = Field(default=None, ge=16)
    previews: bool = True
    control: ControlSettings = ControlSettings()
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
