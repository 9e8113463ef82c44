"""Frames of drawn scenes as a model takes them: they show how large its numbers become.

Nothing here is a photograph, and every frame is the same for every user: scenes of overlapping
discs, seen by simulated cameras in full light and in a three-hundredth of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darkroom.camera.raw import RawImage
from darkroom.camera.sensor_noise import digitise, expose
from darkroom.camera.sensors import find_sensor, gain, noise_level_of, read_noise
from darkroom.picture.dead_leaves import dead_leaves
from darkroom.picture.tone import srgb_encode
from darkroom.zoo.card import Card
from darkroom.zoo.network_input import amplified

FloatArray = npt.NDArray[np.float32]
Sample = tuple[FloatArray, FloatArray]  # planes (C, h, w) and their noise (8,)

SIDE = 384  # pixels of a frame or a picture
PICTURES = 8  # as files code them, for models that take such


@dataclass(frozen=True)
class Condition:
    """A camera, its ISO, how much brighter the frame is made, and how bright white then is."""

    camera: str
    iso: float
    ratio: float
    brightness: float = 1.0


CONDITIONS = (
    Condition("sony-a7s2", 100, 1),
    Condition("sony-a7s2", 100, 4, brightness=4),
    Condition("sony-a7s2", 1600, 10),
    Condition("sony-a7s2", 3200, 100),
    Condition("canon-5d4", 800, 30, brightness=2),
    Condition("nikon-d850", 3200, 100, brightness=0.3),
    Condition("canon-700d", 6400, 100),
    Condition("sony-a7s2", 12800, 100),
    Condition("nikon-d850", 400, 300, brightness=8),
    Condition("sony-a7s2", 25600, 300),
)


def drawn_samples(card: Card) -> Iterator[Sample]:
    """Yield what the model of a card may be given: frames, or pictures as files code them."""
    if card.input_space in ("nir", "srgb"):
        channels = 3 if card.input_space == "srgb" else 1
        for seed in range(PICTURES):
            yield drawn_picture(channels, np.random.default_rng(seed)), np.zeros(8, np.float32)
        return
    for seed, condition in enumerate(CONDITIONS):
        raw = drawn_frame(condition, np.random.default_rng(seed))
        noise = noise_level_of(find_sensor(condition.camera), condition.iso)
        yield amplified(raw, condition.ratio, noise, card)


def drawn_picture(channels: int, rng: np.random.Generator) -> FloatArray:
    """Draw a picture (channels, SIDE, SIDE) of any exposure, coded in [0, 1]."""
    exposure = np.float32(2.0 ** rng.uniform(-2, 2))
    coded = srgb_encode(exposure * dead_leaves(SIDE, channels, rng))
    return np.asarray(np.minimum(coded, 1), np.float32)


def drawn_frame(condition: Condition, rng: np.random.Generator) -> RawImage:
    """Draw a scene (SIDE, SIDE) and photograph it with too little light."""
    sensor = find_sensor(condition.camera)
    red, green, blue = dead_leaves(SIDE, 3, rng)
    signal = green.copy()
    signal[::2, ::2] = red[::2, ::2] / np.float32(sensor.daylight[0])
    signal[1::2, 1::2] = blue[1::2, 1::2] / np.float32(sensor.daylight[1])
    counts = expose(
        signal * np.float32(sensor.span * condition.brightness / condition.ratio),
        gain=gain(sensor, condition.iso),
        read=read_noise(sensor, condition.iso),
        kind="tukey",
        rng=rng,
    )
    return RawImage(
        digitise(counts, black=sensor.black, white=sensor.white),
        "RGGB",
        (float(sensor.black),) * 4,
        float(sensor.white),
        (sensor.daylight[0], 1.0, sensor.daylight[1]),
        np.array(sensor.xyz_to_camera),
    )
