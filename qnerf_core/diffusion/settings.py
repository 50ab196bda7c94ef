"""What can be chosen about inversion, injection, guidance and batching (method.md 1.5, 1.7, 1.11)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Precision = Literal["auto", "float32", "float16", "bfloat16"]
Prediction = Literal["epsilon", "v_prediction"]
SourceBranch = Literal["auto", "free", "described"]
Correspondence = Literal["auto", "off", "on"]


class ModelHabits(BaseModel):
    """What a model was trained with beyond what Stable Diffusion was, so that edits do likewise.

    Attributes:
        source_branch: How its originals went through it, see `DiffusionSettings`.
        correspondence: Whether the control's correspondences led noise and injection.
        strength: Of its edits that were led.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_branch: Literal["free", "described"] = "free"
    correspondence: bool = False
    strength: float = Field(default=0.6, gt=0.0, le=1.0)


NO_HABITS = ModelHabits()


class ModelSettings(BaseModel):
    """What a base is used with, and how it is held in memory.

    Attributes:
        controlnet: Folder, `.safetensors` file or hub id of the ControlNet; None takes the one in the base's folder.
        lora: Folder, file or hub id of a LoRA that is added to the ControlNet (LooseControl).
        lora_scale: How much of it.
        prediction: What the network predicts, for files that do not tell; None believes the model.
        precision: "auto" computes in float16 on graphics cards, in bfloat16 on processors that can, else in float32.
        slicing: Attention in slices and the autoencoder picture by picture: less memory, more time.
        tiling: The autoencoder in overlapping tiles: less memory for large pictures, faint seams may be seen.
        offload: Networks that are not in use wait in the computer's memory, not on the device.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    controlnet: str | None = None
    lora: str | None = None
    lora_scale: float = 1.0
    prediction: Prediction | None = None
    precision: Precision = "auto"
    slicing: bool = False
    tiling: bool = False
    offload: bool = False


PLAIN = ModelSettings()


class InjectionSettings(BaseModel):
    """Keys and values of the original picture given to the edited one, as MasaCtrl does (method.md 1.7, section 2).

    Attributes:
        enabled: False leaves the edited branch to itself.
        start_fraction: First step with injection as a share of all steps (MasaCtrl: step 4 of 50).
        first_layer: First decoder self-attention layer, in order, that receives them. None leaves out the coarsest
            level, which in SD 1.5 is MasaCtrl's default (layer 10 of 16, the decoder's fourth).
        memory_limit_mb: Source features computed by the inversion are kept for the edit when all of them fit in here
            (half the size of the keys and values: their common input is kept); otherwise they are computed again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    start_fraction: float = Field(default=0.08, ge=0.0, le=1.0)
    first_layer: int | None = Field(default=None, ge=0)
    memory_limit_mb: float = Field(default=1500.0, ge=0.0)


class GuidanceSettings(BaseModel):
    """Soft query guidance (method.md 1.5) and its ablation.

    Attributes:
        alpha: Length of the gradient step. Normalised: in standard deviations of the noise in the latents; paper-raw:
            the factor itself.
        normalisation: "rms" divides every layer's norm by sqrt(elements) * std of the layer and gives the step its
            length per view; "paper-raw" is the formula of the paper as it stands.
        stop_fraction: Share of the steps after which nothing is guided any more.
        layers: Query layers that guide, as positions in the list of all query layers. None: all of them.
        through_control: Differentiate through the ControlNet as well; False treats its output as a constant, which
            saves its backward pass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(default=0.02, ge=0.0)
    normalisation: Literal["rms", "paper-raw"] = "rms"
    stop_fraction: float = Field(default=0.8, ge=0.0, le=1.0)
    layers: tuple[int, ...] | None = None
    through_control: bool = True


class DiffusionSettings(BaseModel):
    """Everything the denoising itself depends on.

    Attributes:
        steps: DDIM steps, of the inversion and of the edit (eta is 0).
        guidance_scale: Classifier-free guidance of the edited branch; at 1 the unconditional half is never computed.
        negative_prompt: Prompt of the unconditional half.
        source_branch: How the originals go through the network, in the inversion and where their keys and values are
            made: "free" without control (MasaCtrl); "described" under a control image and prompt of what they show, so
            that a part of the original and the same part of the edit find each other; "auto" as the model was trained,
            and "free" for models that do not say.
        correspondence: What the control tells of where the original shows each place of the edit (`correspondence.py`)
            leads noise and injection, and the edit starts from a draft (`editing.draft`): "on"; "off" as in the paper;
            "auto" as the model was trained, and "off" for models that do not say.
        strength: Share of the noise levels that inversion and edit go through; less keeps more of what they start
            from. None: all of them without correspondence, and with it as the model was trained.
        details: What the autoencoder loses of a draft is given back where the edit leaves it as it is
            (`editing.details`). Without drafts there is nothing to give back.
        inversion_prompt: Prompt of that branch; empty is the empty prompt (MasaCtrl) or, if described, the capture's.
        control_scale: Weight of the ControlNet's residuals.
        view_batch: Views in one call of the network at most; fewer where the free memory does not hold as many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=20, ge=1, le=1000)
    guidance_scale: float = Field(default=1.0, ge=1.0)
    negative_prompt: str = ""
    source_branch: SourceBranch = "auto"
    correspondence: Correspondence = "auto"
    strength: float | None = Field(default=None, gt=0.0, le=1.0)
    details: bool = True
    inversion_prompt: str = ""
    control_scale: float = Field(default=1.0, ge=0.0)
    view_batch: int = Field(default=8, ge=1)
    injection: InjectionSettings = InjectionSettings()
    guidance: GuidanceSettings = GuidanceSettings()

    def corresponds(self, habits: ModelHabits) -> bool:
        """Tell whether correspondences lead.

        Args:
            habits: Of the model.
        """
        return habits.correspondence if self.correspondence == "auto" else self.correspondence == "on"

    def strength_with(self, habits: ModelHabits) -> float:
        """Return the strength.

        Args:
            habits: Of the model.
        """
        if self.strength is not None:
            return self.strength
        return habits.strength if self.corresponds(habits) else 1.0
