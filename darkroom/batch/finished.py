"""Finished pictures on their way to the disk, and what is told of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from darkroom.batch.ledger import Intend
from darkroom.batch.outcome import Seen
from darkroom.batch.pictures import publish_picture
from darkroom.batch.plan import Job
from darkroom.batch.stopwatch import Stopwatch
from darkroom.inference.memory import resident
from darkroom.picture.metadata import PictureMetadata
from darkroom.publish import Published


@dataclass(frozen=True)
class EnhanceReport:
    """What happened to a RAW file that was enhanced, for its record."""

    camera: str
    ratio: float
    ratio_reason: str
    noise_source: str
    model: str
    device: str
    tile: str
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    suspect: bool = False
    published: Published | None = None
    seen: Seen | None = None
    retries: int = 0
    memory: int = 0
    worker_memory: int = 0

    def record(self) -> dict[str, object]:
        """Return the fields of the file's record that are this recipe's."""
        return {
            "ratio": self.ratio,
            "ratio_reason": self.ratio_reason,
            "noise": self.noise_source,
            "camera": self.camera,
            "model": self.model,
            "device": self.device,
            "tile": self.tile,
            "retries": self.retries,
            "rss_mb": self.memory >> 20,
            "worker_rss_mb": self.worker_memory >> 20,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class ColorizeReport:
    """What happened to a file that was coloured, for its record."""

    camera: str
    model: str
    device: str
    tile: str
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    suspect: bool = False
    published: Published | None = None
    seen: Seen | None = None
    memory: int = 0

    def record(self) -> dict[str, object]:
        """Return the fields of the file's record that are this recipe's."""
        return {
            "camera": self.camera or None,
            "model": self.model,
            "device": self.device,
            "tile": self.tile,
            "rss_mb": self.memory >> 20,
            "seconds": self.seconds,
        }


Report = TypeVar("Report", EnhanceReport, ColorizeReport)


@dataclass(frozen=True)
class Finished(Generic[Report]):
    """A picture to be written.

    Attributes:
        job: names its file.
        pixels: waits for them, (H, W, 3) uint16, upright.
        metadata: what is written about it.
        clock: of its stages.
        report: what is told of it, as far as it is known.
    """

    job: Job
    pixels: Callable[[], npt.NDArray[np.uint16]]
    metadata: PictureMetadata
    clock: Stopwatch
    report: Report


class Saving(Protocol):
    """The settings of a recipe that say how pictures are written."""

    @property
    def format(self) -> str:
        """Name in `pictures.WRITERS`."""

    @property
    def compression(self) -> str:
        """Name among the compressions of that format."""

    @property
    def overwrite(self) -> bool:
        """Whether what exists is replaced."""


def write_finished(finished: Finished[Report], settings: Saving, intend: Intend | None) -> Report:
    """Publish a picture and return its whole report.

    Args:
        finished: the picture.
        settings: how it is written.
        intend: notes the picture before it gets its name.

    Raises:
        FileProblem: it cannot be written.
    """
    with finished.clock("write"):
        published = publish_picture(
            finished.job,
            finished.report.seen,
            finished.pixels(),
            finished.metadata,
            kind=settings.format,
            compression=settings.compression,
            overwrite=settings.overwrite,
            intend=intend,
        )
    seconds = finished.clock.seconds
    return replace(finished.report, seconds=seconds, published=published, memory=resident())
