"""How noisy a frame is: from the file's own profile, else measured in the picture.

The noise of a raw frame has the variance `shot * signal + read` (Foi et al. 2008, "Practical
Poissonian-Gaussian noise modeling and fitting for single-image raw-data"). It is measured where
the picture is smooth: a fourth difference along both axes, of one colour or between neighbouring
colours, passes high frequencies alone, where lenses leave little detail; among the blocks of equal
brightness the least varying ones show noise alone, and a line through them is the answer.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from darkroom.camera.noise_line import BLOCKS_PER_BIN, noise_line
from darkroom.camera.raw import NoiseLevel, RawImage

FROM_FILE = "noise profile in the file"
FROM_PICTURE = "estimated from the picture"

# Fourth difference with a noise gain of 1.
ORDER, GAIN = 4, 70.0
HIGH_PASS = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / math.sqrt(GAIN)
TILE, TILES = 24, 5000  # of the mosaic, in pixels; the filter leaves 16 x 20
PLANE_TILE, PLANE_TILES = 22, 200  # of each plane: as many independent values
SMALLEST = 20  # sides of a frame that can be measured
TILES_AT_ONCE = 256
MOST_GAIN = 4.0  # on a colour's way to the mean brightness of a tile
TINY = 1e-3  # counts, keeps gains finite

SATURATED = 0.98
CLIPPED_SHARE = 0.02
FULL_WELL = 400_000  # electrons; no sensor holds more, so none is quieter in bright parts
QUIET_SHARE = 0.25

Array = npt.NDArray[np.float64]
Tiles = npt.NDArray[np.float32]
Counts = npt.NDArray[np.uint16]
Levels = tuple[float, float, float, float]

NOTHING: tuple[Array, Array] = (np.zeros(0), np.zeros(0))


def noise_level(raw: RawImage) -> tuple[NoiseLevel, str]:
    """Return the noise of the planes before white balance, and where it was found."""
    if raw.noise_profile is not None:
        return raw.noise_profile, FROM_FILE
    return estimate_noise(raw), FROM_PICTURE


def profile_from_tag(values: tuple[float, ...]) -> NoiseLevel | None:
    """Read DNG NoiseProfile: pairs (S, O) with variance = S * signal + O, one or one a colour.

    >>> profile_from_tag((0.5, 0.25)).shot
    (0.5, 0.5, 0.5, 0.5)
    """
    pairs = values * 3 if len(values) == 2 else values
    usable = len(pairs) == 6 and all(math.isfinite(value) and value >= 0 for value in pairs)
    if not usable or any(
        shot + read <= 0 for shot, read in zip(pairs[::2], pairs[1::2], strict=True)
    ):
        return None
    (red, green, blue), (red_read, green_read, blue_read) = pairs[::2], pairs[1::2]
    return NoiseLevel((red, green, blue, green), (red_read, green_read, blue_read, green_read))


def estimate_noise(raw: RawImage) -> NoiseLevel:
    """Measure the noise in the picture itself; saturated and clipped parts are left out.

    Before white balance every pixel of a sensor has the same gain and the same read noise, so one
    line serves all planes: together they span more brightnesses than any of them. Differences of
    colours see less detail, but mix the brightnesses of two; so both are measured.
    """
    full = raw.white - min(raw.black)
    signal, variance = measured(raw) if min(raw.mosaic.shape) >= SMALLEST else NOTHING
    signal, variance = np.maximum(signal / full, 0), variance / full**2
    unclipped = signal < plateau(signal, variance)
    freedom = degrees_of_freedom(min(PLANE_TILE, max(SMALLEST, min(raw.mosaic.shape)) // 2))
    shot, read = noise_line(signal[unclipped], variance[unclipped], freedom, 1 / (12 * full**2))
    return NoiseLevel((shot,) * 4, (read,) * 4)


def measured(raw: RawImage) -> tuple[Array, Array]:
    """Return signal and variance (n,) in counts of tiles all over the frame, of both kinds."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        tiles = list(pool.map(lambda place: within_colour(raw, *divmod(place, 2)), range(4)))
        tiles += pool.map(lambda part: between_colours(part, raw.black), trusted_cells(raw))
    signal, variance = (np.concatenate(part) for part in zip(*tiles, strict=True))
    return signal, variance


def within_colour(raw: RawImage, row: int, column: int) -> tuple[Array, Array]:
    """Return signal and variance (n,) in counts of tiles of the plane at a cell position."""
    black = raw.black[2 * row + column]
    counts = sample_tiles(raw.mosaic[row::2, column::2], PLANE_TILE, PLANE_TILES)
    counts = counts[trusted(counts, black, raw.white)]
    tiles = counts.astype(np.float32)
    return tiles.mean(axis=(1, 2), dtype=np.float64) - black, mean_square(residual(tiles))


def trusted_cells(raw: RawImage) -> list[Counts]:
    """Return tiles of whole cells (n, side, side) in pieces that stay in the processor's cache."""
    counts = sample_tiles(raw.mosaic, TILE, TILES, cell=2)
    for place, black in enumerate(raw.black):
        row, column = divmod(place, 2)
        counts = counts[trusted(counts[:, row::2, column::2], black, raw.white)]
    return np.split(counts, range(TILES_AT_ONCE, len(counts), TILES_AT_ONCE))


def between_colours(counts: Counts, black: Levels) -> tuple[Array, Array]:
    """Return signal and variance (n,) in counts of tiles of cells (n, side, side).

    Every colour is brought to the mean brightness of the tile first. Then detail, which changes
    brightness much and hue little, is the same in neighbouring columns, and a difference of these
    leaves noise. Signal and variance are means over the colours, weighted by what that did to them.
    Every second tile is transposed, so that rows are compared as often as columns.
    """
    count, side, _ = counts.shape
    tiles = counts.astype(np.float32)
    pairs = tiles.reshape(count, -1, 2, side)  # of rows: the same memory, and whole rows are fast
    pairs -= np.tile(np.array(black, np.float32).reshape(2, 2), side // 2)
    means = pairs.mean(axis=1).reshape(count, 2, -1, 2).mean(axis=2)
    means = np.maximum(means, 0)
    gains = means.mean(axis=(1, 2), keepdims=True) / np.maximum(means, TINY)
    gains = np.clip(gains, 1 / MOST_GAIN, MOST_GAIN)
    pairs *= np.tile(gains, side // 2)[:, None]
    tiles[1::2] = tiles[1::2].transpose(0, 2, 1)
    power = np.square(gains).sum(axis=(1, 2), dtype=np.float64)
    signal = (np.square(gains) * means).sum(axis=(1, 2)) / power
    return signal, mean_square(residual(tiles, lag=2)) * 4 / power


def mean_square(rest: Tiles) -> Array:
    """Return the mean square of each filtered tile, which it may use as memory."""
    return np.asarray(np.square(rest, out=rest).mean(axis=(1, 2), dtype=np.float64))


def sample_tiles(pixels: Counts, side: int, number: int, *, cell: int = 1) -> Counts:
    """Cut evenly spread square tiles, about `number`, out of a picture: (h, w) -> (n, side, side).

    They begin and end with whole cells of a picture that is repeated every `cell` pixels.
    """
    side = min(side, *(length // cell * cell for length in pixels.shape))
    step = cell * max(4, int(math.sqrt(pixels.size / number) / cell))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side))[::step, ::step]
    return np.ascontiguousarray(windows).reshape(-1, side, side)


def trusted(counts: Counts, black: float, white: float) -> npt.NDArray[np.bool_]:
    """Mark the tiles (n,) that are neither saturated nor clipped at black.

    A plane without a single count below black was clipped there by the camera.
    """
    below_white = counts.max(axis=(1, 2)) < black + SATURATED * (white - black)
    lowest = counts.min()
    if lowest > 0 and lowest < black:
        whole = below_white
    else:
        whole = below_white & ((counts == lowest).mean(axis=(1, 2)) <= CLIPPED_SHARE)
    for choice in (whole, below_white):
        if np.count_nonzero(choice) >= min(BLOCKS_PER_BIN, len(counts)):
            return np.asarray(choice)
    return np.ones(len(counts), bool)


def residual(tiles: Tiles, *, lag: int = 1) -> Tiles:
    """Filter tiles with the high pass along both axes; white noise keeps its variance.

    Along columns it takes every `lag`-th pixel.
    """
    count, side, _ = tiles.shape
    columns = tiles.reshape(count, -1)
    for _ in range(ORDER):
        columns = columns[:, lag * side :] - columns[:, : -lag * side]
    rows = columns.reshape(-1)
    for shift in range(1, ORDER + 1):  # what mixes the end of a row with the next is cut off
        rows[:-shift] = rows[1 : len(rows) - shift + 1] - rows[:-shift]
    rest = columns.reshape(count, -1, side)[..., :-ORDER] * np.float32(1 / GAIN)
    return np.asarray(rest, np.float32)


def degrees_of_freedom(side: int) -> float:
    """Return how many independent values a tile of side x side pixels is worth once filtered."""
    length = side - ORDER
    correlations = np.correlate(HIGH_PASS, HIGH_PASS, "full")[ORDER:][:length]
    shifts = np.arange(len(correlations))
    pairs = np.where(shifts == 0, length, 2 * (length - shifts))
    return float((length**2 / (pairs * correlations**2).sum()) ** 2)


def plateau(signal: Array, variance: Array) -> float:
    """Return the signal from which blocks are quieter than light itself, infinity without one.

    There the camera clipped below its white level, or its compression smoothed the noise away.
    Blocks that quiet everywhere are the picture's nature (a synthetic one) and stay.
    """
    quiet = variance < signal / FULL_WELL
    if not 0.01 < quiet.mean() < QUIET_SHARE if len(quiet) else True:
        return math.inf
    # Blocks a little darker already lose part of their noise.
    level = 0.75 * float(np.quantile(signal[quiet], 0.02))
    return level if np.mean(signal < level) > 0.5 else math.inf
