"""Scenes drawn of discs that cover each other, whose statistics are those of photographs.

The "dead leaves" model, with radii from a power law: Lee, Mumford and Huang 2001, "Occlusion Models
for Natural Images: A Statistical Study of the Scale-Invariant Dead Leaves Model". Shapes of all
sizes, sharp edges and flat areas, and no photograph.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

SMALLEST = 3.0  # pixels: radius of the smallest discs
LARGEST_SHARE = 0.5  # of the side: radius of the largest
DISCS_PER_PIXEL = 1 / 60  # enough to cover everything, most of it several times
DARKEST = 0.02  # reflectance of soot; the brightest is 1
COLOURFUL = 0.4  # deviation of a colour's channels from its grey, as logarithms
TEXTURE = 0.15  # deviation of a disc's grain from its colour


def dead_leaves(side: int, channels: int, rng: np.random.Generator) -> FloatArray:
    """Draw a scene (channels, side, side) of linear light in (0, 1], lit from one side.

    Args:
        side: pixels.
        channels: 3 for colours, 1 for grey.
        rng: source of all randomness.
    """
    count = max(int(side * side * DISCS_PER_PIXEL), 1)
    scene = np.full((channels, side, side), 0.2, np.float32)
    greys = rng.uniform(np.log(DARKEST), 0, (count, 1))
    tints = COLOURFUL * rng.standard_normal((count, channels))
    colours = np.minimum(np.exp(greys + tints), 1).astype(np.float32)
    centres = rng.uniform(0, side, (count, 2))
    for centre, radius, colour in zip(centres, radii(side, count, rng), colours, strict=True):
        cover(scene, centre, radius, colour)
    grain = 1 + TEXTURE * rng.standard_normal((1, side, side), np.float32)
    return np.asarray(np.clip(scene * grain * light(side, rng), 1e-4, 1), np.float32)


def radii(side: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw radii r in pixels with a density of r**-3, which makes a scene alike at every scale."""
    largest = max(LARGEST_SHARE * side, SMALLEST)
    share = rng.uniform(0, 1, count) * (1 - (SMALLEST / largest) ** 2)
    return np.asarray(SMALLEST / np.sqrt(1 - share), np.float64)


def cover(
    scene: FloatArray, centre: npt.NDArray[np.float64], radius: float, colour: FloatArray
) -> None:
    """Lay a disc over a scene (channels, H, W), in place."""
    first = np.maximum(np.floor(centre - radius), 0).astype(int)
    last = np.minimum(np.ceil(centre + radius) + 1, scene.shape[1:]).astype(int)
    rows, columns = (np.arange(*ends) for ends in zip(first, last, strict=True))
    away = (rows[:, None] - centre[0]) ** 2 + (columns - centre[1]) ** 2
    part = scene[:, first[0] : last[0], first[1] : last[1]]
    part[:, away <= radius**2] = colour[:, None]


def light(side: int, rng: np.random.Generator) -> FloatArray:
    """Draw how bright the light is over a scene, (side, side): a slope in a random direction."""
    down, across = rng.uniform(-1, 1, 2)
    places = np.linspace(-0.5, 0.5, side)
    return np.asarray(np.exp(down * places[:, None] + across * places), np.float32)
