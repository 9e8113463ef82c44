"""The way of a frame that stays on the GPU from its counts to its pixels.

It is for whole frames seen once, and networks that give colours; all else, and what fails on this
way, goes the ordinary one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from darkroom.camera.bayer import plane_gains
from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.inference.engine import Engine
from darkroom.picture.render import Rendering, camera_to_srgb
from darkroom.zoo.card import Card
from darkroom.zoo.network_input import balance_for

if TYPE_CHECKING:  # they load torch
    from darkroom.inference.cuda_engine import CudaEngine
    from darkroom.inference.developing import Developed
    from darkroom.inference.transfers import Arriving


class Wishes(Protocol):
    """The settings of a recipe that matter here."""

    @property
    def tone(self) -> str:
        """Name in `picture.tone.TONES`."""

    @property
    def strength(self) -> float:
        """Scales the deviation of the noise that the network is told."""

    @property
    def views(self) -> int:
        """Number of sides a frame is looked at from."""

    @property
    def guided_filter(self) -> object:
        """The pass after the network, None for none."""

    @property
    def tile(self) -> int | None:
        """Core of a tile, None where none is asked for."""

    @property
    def max_memory(self) -> int | None:
        """Bytes to stay under, None for a share of what is free."""


@dataclass(frozen=True, eq=False)
class Sent:
    """A frame whose counts are on their way to the GPU, unless there was no room for them."""

    arriving: "Arriving | None" = None


UNSENT = Sent()


@dataclass(frozen=True)
class GpuWay:
    """A model on a GPU, and how its pictures are to look.

    Attributes:
        engine: runs the network.
        card: of the model.
        tone: name in `picture.tone.TONES`.
        strength: scales the deviation of the noise that the network is told.
    """

    engine: "CudaEngine"
    card: Card
    tone: str
    strength: float = 1.0

    def send(self, raw: RawImage) -> Sent:
        """Start to copy a frame to the GPU; any thread may.

        Raises:
            EnvironmentProblem: the GPU stopped working.
        """
        from darkroom.inference.developing import uploaded  # noqa: PLC0415

        return Sent(uploaded(self.engine, raw.mosaic))

    def develop(
        self, raw: RawImage, ratio: float, noise: NoiseLevel, sent: Sent = UNSENT
    ) -> "Developed | None":
        """Develop a frame; None where the ordinary way must do it.

        Args:
            raw: the frame.
            ratio: amplification.
            noise: the frame's noise, before amplification and white balance.
            sent: what `send` returned, if it was called.

        Raises:
            EnvironmentProblem: the GPU stopped working.
            FileProblem: the frame's colour matrix describes no camera.
            UsageProblem: no tone has that name.
        """
        from darkroom.inference.develop import facts_of  # noqa: PLC0415
        from darkroom.inference.developing import developed  # noqa: PLC0415

        red, green, blue, green2 = (
            ratio * gain for gain in plane_gains(balance_for(self.card, raw))
        )
        level = noise.amplified((red, green, blue, green2)).scaled(self.strength)
        facts = facts_of(
            raw,
            (red, green, blue, green2),
            np.array([*level.shot, *level.read], np.float32),
            self._rendering(raw, ratio),
            clips=self.card.clip,
        )
        return developed(self.engine, raw.mosaic, facts, sent.arriving)

    def _rendering(self, raw: RawImage, ratio: float) -> Rendering | None:
        if self.card.output_space == "srgb":
            return None
        red, green, blue = (ratio * gain for gain in raw.white_balance)
        return Rendering(camera_to_srgb(raw.xyz_to_camera), self.tone, (red, green, blue))


def gpu_way(engine: Engine, card: Card, wishes: Wishes) -> GpuWay | None:
    """Return the way of frames through a GPU, None where they must go the ordinary one.

    That is where a frame is seen several times or in tiles, where memory is limited, where a
    filter follows the network, and where the network gives a mosaic.

    Args:
        engine: runs the network.
        card: of the model.
        wishes: the user's.
    """
    is_whole = wishes.views == 1 and wishes.tile is None and wishes.max_memory is None
    is_last = wishes.guided_filter is None and card.output_space in {"camera-linear", "srgb"}
    if not (is_whole and is_last and engine.device.startswith("cuda")):
        return None
    from darkroom.inference.cuda_engine import CudaEngine  # noqa: PLC0415

    if not isinstance(engine, CudaEngine):
        return None
    return GpuWay(engine, card, wishes.tone, wishes.strength)
