"""The gain of a sensor from evenly lit frames: how fast its noise grows with the light.

Photon transfer (Janesick 2007, "Photon Transfer"; EMVA 1288): photons arrive at random, so the
variance in counts is the mean in counts times the gain, above the noise in the dark. Both are
taken from small blocks of each colour plane. Two frames of equal exposure are best: in their
difference vignetting, dust and the pixels' own sensitivity cancel.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from darkroom.camera.noise import degrees_of_freedom, residual

FloatArray = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]

BLOCK = 32  # pixels of a plane
BLOCKS = 1000  # of a plane: enough for 0.1 %
SATURATED = 0.9  # of white, where sensors stop being straight
CLIPPED_SHARE = 0.02
CUT = 5.0  # deviations of a pixel of a block
OUTLIER = 4.0  # deviations of a block
ROUNDS = 8
EQUAL_LIGHT = 0.03  # largest relative difference of a pair
LEAST_BLOCKS = 16
FLOOR_ERROR = 0.02  # relative, of the variance in the dark
WORST_GAIN = 0.05  # relative error up to which a gain is believed


@dataclass(frozen=True)
class Blocks:
    """Means above black and variances of the noise of one frame, (n,), in counts.

    Attributes:
        mean: of each block.
        variance: of its noise, rounding included.
        freedom: degrees of freedom of one variance.
        is_pair: whether two frames were compared; else row offsets are not in the variance.
    """

    mean: Array = field(repr=False)
    variance: Array = field(repr=False)
    freedom: float
    is_pair: bool


@dataclass(frozen=True)
class Flats:
    """The flats of one ISO so far.

    Attributes:
        black: (4,) level of the positions of the first cell, row by row, from darks.
        waiting: (H, W) counts of the flat that has not found its pair, and white, or None.
        pairs: what pairs of equal exposure gave.
        singles: what the others gave.
        frames: how many there were.
    """

    black: Array
    waiting: tuple[Counts, float] | None = field(default=None, repr=False)
    pairs: tuple[Blocks, ...] = ()
    singles: tuple[Blocks, ...] = ()
    frames: int = 0


def with_flat(seen: Flats, mosaic: Counts, white: float) -> Flats:
    """Add a flat: the pair of the one before if that has none and is as bright, else it waits."""
    frames = seen.frames + 1
    if seen.waiting is not None and is_pair(seen.waiting[0], mosaic, seen.black):
        pair = pair_blocks(seen.waiting[0], mosaic, black=seen.black, white=white)
        return replace(seen, waiting=None, pairs=(*seen.pairs, pair), frames=frames)
    return replace(settled(seen), waiting=(mosaic, white), frames=frames)


def settled(seen: Flats) -> Flats:
    """Measure the flat that has found no pair by itself, if there is one."""
    if seen.waiting is None:
        return seen
    mosaic, white = seen.waiting
    single = single_blocks(mosaic, black=seen.black, white=white)
    return replace(seen, waiting=None, singles=(*seen.singles, single))


def light_of(mosaic: Counts, black: Array) -> Array:
    """Return the mean counts above black of the four positions of the first cell, (4,)."""
    cells = [mosaic[row::8, column::8] for row in (0, 1) for column in (0, 1)]
    return np.array([float(np.median(cell)) for cell in cells]) - black


def is_pair(mosaic: Counts, other: Counts, black: Array) -> bool:
    """Whether two flats are equally bright."""
    light, other_light = light_of(mosaic, black), light_of(other, black)
    return bool((np.abs(light - other_light) <= EQUAL_LIGHT * np.abs(light)).all())


def pair_blocks(mosaic: Counts, other: Counts, *, black: Array, white: float) -> Blocks:
    """Measure two flats of equal exposure.

    Args:
        mosaic: (H, W) counts of the first.
        other: of the second.
        black: (4,) level of the positions of the first cell, row by row.
        white: count of saturation.
    """
    parts = [
        plane_blocks(plane_of(mosaic, position), plane_of(other, position), black[position], white)
        for position in range(4)
    ]
    mean, variance = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Blocks(mean, variance, BLOCK**2 - 1.0, is_pair=True)


def plane_of(mosaic: Counts, position: int) -> Counts:
    """Return the plane at a position of the first cell."""
    row, column = divmod(position, 2)
    return mosaic[row::2, column::2]


def plane_blocks(plane: Counts, other: Counts, black: float, white: float) -> tuple[Array, Array]:
    """Return mean above black and variance of the blocks of one plane."""
    first, second = cut(plane), cut(other)
    saturated = black + SATURATED * (white - black)
    good = (np.maximum(first, second) >= saturated).mean(1) <= CLIPPED_SHARE
    mean, _ = ordinary_moments((first[good] + second[good]) / 2)
    _, variance = ordinary_moments(first[good] - second[good])
    return mean - black, variance / 2


def cut(plane: Counts) -> FloatArray:
    """Cut evenly spread blocks out of a plane: (h, w) -> (n, BLOCK * BLOCK)."""
    rows, columns = (size // BLOCK for size in plane.shape)
    blocks = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    step = max(1, rows * columns // BLOCKS)
    chosen = np.arange(0, rows * columns, step)
    return blocks[chosen // columns, :, chosen % columns].reshape(-1, BLOCK**2).astype(np.float32)


def ordinary_moments(blocks: FloatArray) -> tuple[Array, Array]:
    """Return mean and variance of each block, (n,), hot pixels and specks left out."""
    middle = np.median(blocks, axis=1, keepdims=True)
    width = 1.4826 * np.median(np.abs(blocks - middle), axis=1, keepdims=True)
    kept = np.abs(blocks - middle) <= CUT * np.maximum(width, 1.0)
    count = np.maximum(kept.sum(1), 2)
    mean = np.where(kept, blocks, 0).sum(1, dtype=np.float64) / count
    square = np.where(kept, np.square(blocks - mean[:, None]), 0).sum(1, dtype=np.float64)
    return np.asarray(mean), np.asarray(square / (count - 1))


def single_blocks(mosaic: Counts, *, black: Array, white: float) -> Blocks:
    """Measure one flat: what a fourth difference leaves of each plane is noise, and some texture.

    The arguments are those of `pair_blocks`.
    """
    means, variances = [], []
    for position in range(4):
        tiles = cut(plane_of(mosaic, position)).reshape(-1, BLOCK, BLOCK)
        saturated = black[position] + SATURATED * (white - black[position])
        tiles = tiles[(tiles >= saturated).mean((1, 2)) <= CLIPPED_SHARE]
        noise = residual(tiles)
        mean, _ = ordinary_moments(tiles.reshape(len(tiles), -1))
        _, variance = ordinary_moments(noise.reshape(len(noise), -1))
        means.append(mean - black[position])
        variances.append(variance)
    freedom = degrees_of_freedom(BLOCK)
    return Blocks(np.concatenate(means), np.concatenate(variances), freedom, is_pair=False)


def gain_of(blocks: Sequence[Blocks], *, read: float, row: float) -> float | None:
    """Return the counts that one electron makes; None if the flats cannot tell it to 5 %.

    Args:
        blocks: of all flats of an ISO, pairs or not, but not both.
        read: variance of the read noise and of rounding, from darks of the same ISO, in counts.
        row: variance of row offsets.
    """
    if not blocks:
        return None
    mean = np.concatenate([part.mean for part in blocks])
    variance = np.concatenate([part.variance for part in blocks])
    floor = read + (row if blocks[0].is_pair else 0.0)
    mean, variance = mean[mean > 0], variance[mean > 0]
    if len(mean) < LEAST_BLOCKS:
        return None
    spread = math.sqrt(2 / blocks[0].freedom)
    gain, kept = float(np.median((variance - floor) / mean)), np.ones(len(mean), bool)
    for _ in range(ROUNDS):
        expected = np.maximum(gain, 0) * mean + floor
        kept = np.abs(variance / expected - 1) < OUTLIER * spread
        if np.count_nonzero(kept) < LEAST_BLOCKS:
            return None
        weight = kept / expected**2
        gain = float((weight * mean * (variance - floor)).sum() / (weight * mean**2).sum())
    if gain <= 0:
        return None
    light = gain * mean[kept]
    share = light / (light + floor)  # of the variance
    error = math.hypot(
        spread / math.sqrt(float(np.square(share).sum())),
        FLOOR_ERROR * float(np.mean(1 - share) / np.mean(share)),
    )
    return gain if error < WORST_GAIN else None
