"""Errors a user can cause: each says what went wrong, why, and what to do next."""

from __future__ import annotations


class StudioError(Exception):
    """An error with a title, its cause and the next step, shown to the user as it is."""

    def __init__(self, title: str, cause: str = "", next_step: str = "") -> None:
        """Store the three parts.

        Args:
            title: What failed, a short phrase without a full stop.
            cause: Why it failed.
            next_step: What the user can do about it.
        """
        super().__init__(title, cause, next_step)
        self.title = title
        self.cause = cause
        self.next_step = next_step

    def __str__(self) -> str:
        head = f"{self.title}: {self.cause}" if self.cause else self.title
        sentences = [part.rstrip(". ") for part in (head, self.next_step) if part]
        return ". ".join(sentences) + "."


class AssetError(StudioError):
    """A bundled file (scene, body, model) is missing."""


class FileFormatError(StudioError):
    """A file cannot be read as what it should be."""


class CaptureError(StudioError):
    """A capture (images with cameras) is missing or wrong."""


class BodyModelError(StudioError):
    """A body model file is missing or wrong."""


class PoseFileError(StudioError):
    """A pose file is missing or wrong."""


class KeypointsError(StudioError):
    """Keypoints or their file are missing or wrong, or say too little."""


class ProxyError(StudioError):
    """A depth proxy or its file is missing or wrong."""


class BackboneError(StudioError):
    """A diffusion model folder is missing or wrong."""


class FieldError(StudioError):
    """A field cannot be trained or read."""


class SettingsError(StudioError):
    """Settings contradict each other or the scene."""


class RunError(StudioError):
    """A run folder cannot be read, continued or written."""


class ExportError(StudioError):
    """An export cannot be made."""


class EvaluationError(StudioError):
    """A result cannot be measured."""


class Cancelled(StudioError):
    """The user cancelled; what was finished is kept."""

    def __init__(self, title: str = "Cancelled", cause: str = "", next_step: str = "") -> None:
        super().__init__(title, cause, next_step)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that no memory was left, on whatever device.

    Args:
        error: Of any library; torch's CPU allocator raises a plain RuntimeError.
    """
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )
