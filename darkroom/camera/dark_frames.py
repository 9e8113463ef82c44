"""What lens-cap frames tell: black level, read noise, row offsets, shading and hot pixels.

The noise is measured in the difference of two frames, in which every fixed pattern cancels. A
single frame has to do without: its smooth part and the means of its columns are taken off.
Model and terms are those of Wei et al. 2020 (ELD).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from darkroom.camera.noise_fit import ROUNDING, fit_tukey, plotting_positions
from darkroom.errors import FailureCode, FileProblem

FloatArray = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]
Pixels = npt.NDArray[np.int64]

GRID = 16  # cells of the dark shading along each side
SMALLEST_SIDE = 64
HOT = 6.0  # deviations above black
ROW_CUT = 8.0  # deviations from which a pixel says nothing about its row
WILD = 20.0  # deviations that are no noise but a hit by a particle
CLIPPED_SHARE = 0.02
MOST_SORTED = 1_000_000  # pixels, for the quantiles
SAMPLE_STEP = 5  # of the pixels that a first look takes


@dataclass(frozen=True)
class DarkFrame:
    """One dark frame, summed up.

    Attributes:
        black: (4,) mean of the positions of the first 2x2 cell, row by row, in counts.
        rest: (H, W) what is left of the frame without them.
        grid: (GRID, GRID) means of cells of `rest`: the shading.
        deviation: of `rest`, far-off pixels left out, in counts.
        hot: indices of pixels more than `HOT` deviations above the rest.
        is_clipped: whether the camera cut the noise off below.
    """

    black: Array
    rest: FloatArray = field(repr=False)
    grid: Array = field(repr=False)
    deviation: float
    hot: Pixels = field(repr=False)
    is_clipped: bool = False


@dataclass(frozen=True)
class NoiseSample:
    """The noise of one frame, measured in one or two of them; in counts.

    Attributes:
        variance: of the read noise without row offsets and rounding.
        row_variance: of the offsets of rows.
        quantiles: at the plotting positions, of what was measured.
        frames: 1 for a frame, 2 for a difference.
    """

    variance: float
    row_variance: float
    quantiles: Array = field(repr=False)
    frames: int


@dataclass(frozen=True)
class Darks:
    """The darks of one ISO so far.

    Attributes:
        last: the frame that the next one is compared with.
        frames: all of them, without their pixels.
        samples: the noise of each difference.
        hot: indices of the pixels that are hot in every frame.
    """

    last: DarkFrame
    frames: tuple[DarkFrame, ...]
    samples: tuple[NoiseSample, ...]
    hot: Pixels = field(repr=False)


@dataclass(frozen=True)
class DarkNoise:
    """What all darks of an ISO say together; see `calibration.CalibrationRow` for the terms.

    `black` holds (4,) levels of the positions of the first cell, `hot` indices of pixels.
    """

    black: Array
    sigma: float
    tukey_scale: float
    tukey_lambda: float
    row_sigma: float
    dark_shading: float
    hot: Pixels = field(repr=False)
    hot_share: float
    frames: int


def look_at_dark(mosaic: Counts) -> DarkFrame:
    """Sum up one dark frame.

    Args:
        mosaic: (H, W) counts; the phase does not matter in the dark.

    Raises:
        FileProblem: it is too small, or holds one value only.
    """
    if min(mosaic.shape) < SMALLEST_SIDE:
        raise FileProblem(FailureCode.UNSUPPORTED, f"smaller than {SMALLEST_SIDE} pixels")
    lowest = int(mosaic.min())
    if lowest == int(mosaic.max()):
        raise FileProblem(FailureCode.BLACK, f"every pixel has the same value ({lowest})")
    black, rest = np.zeros(4), mosaic.astype(np.float32)
    for position in range(4):
        row, column = divmod(position, 2)
        plane = rest[row::2, column::2]
        black[position] = typical(plane)[0]
        plane -= np.float32(black[position])
    _, deviation = typical(rest)
    offsets = row_offsets(rest, deviation)
    hot = np.flatnonzero(rest - offsets[:, None] > HOT * deviation)
    return DarkFrame(
        black,
        rest,
        grid_means(rest, ROW_CUT * deviation),
        deviation,
        hot,
        is_clipped=float((mosaic == lowest).mean()) > CLIPPED_SHARE and is_cut(mosaic, lowest),
    )


def is_cut(mosaic: Counts, lowest: int) -> bool:
    """Whether the lowest count is commoner than the next: no noise ends so by itself."""
    return int((mosaic == lowest).sum()) > int((mosaic == lowest + 1).sum())


def typical(counts: FloatArray) -> tuple[float, float]:
    """Return mean and deviation of the ordinary pixels; hot ones are left out."""
    sample = counts.reshape(-1)[::SAMPLE_STEP] if counts.flags.c_contiguous else counts[::2, ::2]
    middle = float(np.median(sample))
    width = max(1.5 * float(np.median(np.abs(sample - middle))), 1.0)
    ordinary = counts[np.abs(counts - middle) < ROW_CUT * width]
    mean = float(ordinary.mean(dtype=np.float64))
    return mean, max(float(ordinary.std(dtype=np.float64)), 0.1)


def row_offsets(rest: FloatArray, deviation: float) -> FloatArray:
    """Return the mean of each row, (H,), far-off pixels left out."""
    kept = np.abs(rest) < ROW_CUT * deviation
    total = np.where(kept, rest, 0).sum(1, dtype=np.float64)
    return np.asarray(total / np.maximum(kept.sum(1), 1), np.float32)


def grid_means(rest: FloatArray, most: float) -> Array:
    """Return the means of GRID x GRID cells, far-off pixels left out."""
    rows, columns = (size // GRID for size in rest.shape)
    cells = rest[: rows * GRID, : columns * GRID].reshape(GRID, rows, GRID, columns)
    return np.asarray(np.where(np.abs(cells) < most, cells, 0).mean((1, 3), dtype=np.float64))


def difference_noise(frame: DarkFrame, other: DarkFrame) -> NoiseSample:
    """Measure the noise in the difference of two frames of equal size.

    Pixels that are hot in both are left out: they flicker more than others.
    """
    difference = frame.rest - other.rest
    hot = np.intersect1d(frame.hot, other.hot, assume_unique=True)
    return measured(difference, hot, frames=2)


def single_noise(frame: DarkFrame) -> NoiseSample:
    """Measure the noise in one frame, without its smooth part and the means of its columns.

    Hot pixels cannot be told from noise here; the farthest ones are left out.
    """
    rows, columns = (towards_grid(size) for size in frame.rest.shape)
    rest = frame.rest - (rows @ frame.grid @ columns.T).astype(np.float32)
    rest = rest - row_offsets(np.ascontiguousarray(rest.T), frame.deviation)
    hot = np.flatnonzero(np.abs(rest) > WILD / 2 * frame.deviation)
    return measured(np.ascontiguousarray(rest), hot, frames=1)


def towards_grid(size: int) -> Array:
    """Return the weights (size, GRID) that interpolate cell means linearly to pixels."""
    places = (np.arange(size) + 0.5) * GRID / size - 0.5
    return np.stack([np.interp(places, np.arange(GRID), cell) for cell in np.eye(GRID)], axis=1)


def measured(noise: FloatArray, hot: Pixels, *, frames: int) -> NoiseSample:
    """Separate row offsets from the rest and describe both.

    Args:
        noise: (H, W) noise of a frame, or the difference of two.
        hot: indices of pixels to leave out.
        frames: 1 or 2.
    """
    _, deviation = typical(noise)
    offsets = row_offsets(noise, deviation)
    columns = noise.shape[1]
    pixels = (noise - offsets[:, None]).reshape(-1)
    kept = np.abs(pixels) < WILD * deviation
    kept[hot] = False
    pixels = pixels[kept]
    variance = float(pixels.var(dtype=np.float64)) * columns / (columns - 1)
    # Rows lie two apart, so that neither colours nor shading count as offsets.
    between = float(np.square(offsets[2:] - offsets[:-2], dtype=np.float64).mean()) / 2
    rows = max(between - variance / columns, 0.0) / frames
    some = pixels[:: max(1, pixels.size // MOST_SORTED)]
    dither = np.random.default_rng(0).uniform(-0.5, 0.5, some.size).astype(np.float32)
    quantiles = np.quantile(some + dither, plotting_positions())
    read = max(variance / frames - ROUNDING, 1e-4)
    return NoiseSample(read, rows, np.asarray(quantiles, np.float64), frames)


def with_dark(seen: Darks | None, frame: DarkFrame) -> Darks:
    """Add a frame to the darks of its ISO; only the last one keeps its pixels."""
    light = replace(frame, rest=np.zeros((0, 0), np.float32))
    if seen is None:
        return Darks(frame, (light,), (), frame.hot)
    return Darks(
        frame,
        (*seen.frames, light),
        (*seen.samples, difference_noise(seen.last, frame)),
        np.intersect1d(seen.hot, frame.hot, assume_unique=True),
    )


def dark_noise(seen: Darks, pixels: int) -> DarkNoise:
    """Put together what the darks of one ISO say; `pixels` is the size of a frame."""
    frames, samples = seen.frames, seen.samples or (single_noise(seen.last),)
    variance = float(np.mean([sample.variance for sample in samples]))
    rows = float(np.mean([sample.row_variance for sample in samples]))
    quantiles = np.mean([sample.quantiles for sample in samples], axis=0)
    quantiles = (quantiles - quantiles[::-1]) / 2  # a difference is symmetric, noise nearly so
    scale, shape = fit_tukey(quantiles, variance, frames=samples[0].frames)
    return DarkNoise(
        black=np.mean([frame.black for frame in frames], axis=0),
        sigma=float(np.sqrt(variance)),
        tukey_scale=scale,
        tukey_lambda=shape,
        row_sigma=float(np.sqrt(rows)),
        dark_shading=shading([frame.grid for frame in frames], variance, rows, pixels),
        hot=seen.hot,
        hot_share=len(seen.hot) / pixels,
        frames=len(frames),
    )


def without_hot(mosaic: Counts, hot: Pixels) -> Counts:
    """Return a frame with each hot pixel replaced by the next one of its colour in the row."""
    if not len(hot):
        return mosaic
    mended = mosaic.copy()
    rows, columns = np.divmod(hot, mosaic.shape[1])
    mended[rows, columns] = mosaic[rows, np.where(columns < 2, columns + 2, columns - 2)]
    return mended


def shading(grids: Sequence[Array], variance: float, rows: float, pixels: int) -> float:
    """Return the deviation of the mean grid, noise taken off, in read-noise deviations."""
    cell = pixels / GRID**2
    noise = ((variance + ROUNDING) / cell + rows / np.sqrt(cell)) / len(grids)
    return float(np.sqrt(max(np.mean(grids, axis=0).var() - noise, 0.0) / variance))
