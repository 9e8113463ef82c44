"""How dark RAW files are enhanced: one value for a whole batch."""

from dataclasses import dataclass, replace

from darkroom.batch.ledger import digest_of
from darkroom.batch.pictures import compression_params
from darkroom.camera.exposure import RatioSpec
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.inference.engine import AUTO, EngineChoice
from darkroom.picture.guided_filter import GuidedFilter


@dataclass(frozen=True)
class Settings:
    """How to enhance; one value for a whole batch.

    Attributes:
        ratio: how much brighter.
        model: name or weights file.
        choice: the device, the engine and the precision that are asked for.
        tile: core of a tile in packed pixels; None chooses, 0 takes the whole frame.
        max_memory: bytes to stay under, None for a share of what is free.
        strength: scales the deviation of the noise that the network is told.
        views: number of sides the frame is looked at from: 1, 2, 4 or 8.
        tone: name in `picture.tone.TONES`.
        guided_filter: the pass after the network, None for none.
        format: "tiff" or "png".
        compression: "none", "deflate" or "zstd"; "deflate" for PNG.
        strip_gps: leave the place out of the output.
        overwrite: replace existing outputs.
        allow_suspect: write what looks damaged, too, and say so.
        limits: what an input may cost.
    """

    ratio: RatioSpec
    model: str = "fast-unet"
    choice: EngineChoice = AUTO
    tile: int | None = None
    max_memory: int | None = None
    strength: float = 1.0
    views: int = 1
    tone: str = "standard"
    guided_filter: GuidedFilter | None = None
    format: str = "tiff"
    compression: str = "deflate"
    strip_gps: bool = False
    overwrite: bool = False
    allow_suspect: bool = False
    limits: Limits = DEFAULT_LIMITS

    def params(self) -> dict[str, object]:
        """Return what decides how an output looks, beside input and model."""
        names = ("strength", "views", "tone", "guided_filter", "format", "strip_gps")
        reference = self.ratio.reference
        return (
            {name: getattr(self, name) for name in names}
            | self.choice.params()
            | compression_params(self.compression)
            | {
                "ratio": replace(self.ratio, reference=None),
                "reference": reference and digest_of(reference),
            }
        )
