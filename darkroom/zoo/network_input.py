"""What a model is given of a frame, as its card asks for it."""

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import amplified_planes, plane_gains
from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.zoo.card import Card

FloatArray = npt.NDArray[np.float32]
Gains = tuple[float, float, float, float]  # of R, G1, B, G2


def amplified(
    raw: RawImage, ratio: float, noise: NoiseLevel, card: Card, *, strength: float = 1.0
) -> tuple[FloatArray, FloatArray]:
    """Return a frame's planes (4, h, w) and their noise (8,): shot terms, then read terms.

    Args:
        raw: the frame.
        ratio: amplification.
        noise: the frame's noise, before amplification and white balance.
        card: of the model.
        strength: scales the deviation of the noise that the network is told.
    """
    gains, told = gains_and_noise(raw, ratio, noise, card, strength=strength)
    planes = amplified_planes(raw, gains)
    if card.clip:
        np.clip(planes, 0, 1, out=planes)
    return planes, told


def gains_and_noise(
    raw: RawImage, ratio: float, noise: NoiseLevel, card: Card, *, strength: float = 1.0
) -> tuple[Gains, FloatArray]:
    """Return what each plane is multiplied by, and the noise (8,) after that; as `amplified`."""
    red, green, blue, green2 = (ratio * gain for gain in plane_gains(balance_for(card, raw)))
    level = noise.amplified((red, green, blue, green2)).scaled(strength)
    return (red, green, blue, green2), np.array([*level.shot, *level.read], np.float32)


def balance_for(card: Card, raw: RawImage) -> tuple[float, float, float]:
    """Return the white balance that the planes get for a model."""
    return raw.white_balance if card.input_space == "balanced-planes" else (1.0, 1.0, 1.0)
