"""A decoder for frames whose noise is known, because they were simulated."""

from dataclasses import replace
from pathlib import Path

from darkroom.batch.decoder import Decoded, Decoder
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.raw import NoiseLevel


class ToldDecoder(Decoder):
    """A decoder whose frames say how noisy they are: the line their noise was drawn from.

    Args:
        level: the noise of every frame.
        limits: bounds on each file.
    """

    def __init__(self, level: NoiseLevel, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._level = level

    def read(self, path: Path, *, allow_suspect: bool = False, monochrome: bool = False) -> Decoded:
        """Read a RAW file as `Decoder.read` does, and put the noise where a profile would be."""
        decoded = super().read(path, allow_suspect=allow_suspect, monochrome=monochrome)
        return replace(decoded, raw=replace(decoded.raw, noise_profile=self._level))
