"""The way of a frame that stays on the GPU from its counts to its pixels.

It is for whole frames seen once, and networks that give colours; all else, and what fails on this
way, goes the ordinary one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.inference.engine import Engine
from darkroom.zoo.card import Card
from darkroom.zoo.network_input import gains_and_noise
from darkroom.zoo.network_output import rendering_for

if TYPE_CHECKING:  # they load torch
    from darkroom.inference.cuda_engine import CudaEngine
    from darkroom.inference.developing import Developed
    from darkroom.inference.transfers import Arriving


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

        gains, told = gains_and_noise(raw, ratio, noise, self.card, strength=self.strength)
        how = rendering_for(self.card, raw, ratio, self.tone)
        facts = facts_of(raw, gains, told, how, clips=self.card.clip)
        return developed(self.engine, raw.mosaic, facts, sent.arriving)


def gpu_way(engine: Engine, card: Card, tone: str, strength: float = 1.0) -> GpuWay | None:
    """Return the way of frames through a GPU, None where an engine has none.

    Args:
        engine: runs the network.
        card: of a model that gives colours.
        tone: name in `picture.tone.TONES`.
        strength: scales the deviation of the noise that the network is told.
    """
    if not engine.device.startswith("cuda"):
        return None
    from darkroom.inference.cuda_engine import CudaEngine  # noqa: PLC0415

    return GpuWay(engine, card, tone, strength) if isinstance(engine, CudaEngine) else None
