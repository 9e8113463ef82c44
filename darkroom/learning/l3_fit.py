"""Learn the table of an L3 from pairs of pictures in one pass: sum, solve, smooth, fill.

The defaults are those of the near-infrared project that L3 comes from (40 levels, ridge) with
levels of contrast besides, which matter more than those of brightness on mixed scenes.
"""

import itertools
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from darkroom.errors import UsageProblem
from darkroom.learning.config import CONTRASTS
from darkroom.learning.l3_solve import (
    LAMBDAS,
    NO_LAMBDA,
    is_enough,
    solve,
    symmetric_basis,
    with_noise,
)
from darkroom.learning.l3_sums import Array, L3Sums, Pair, sum_pairs
from darkroom.networks.l3 import L3

Method = Literal["least-squares", "ridge", "wiener"]
Learned = npt.NDArray[np.bool_]

LEVEL_CUTS = tuple(float(cut) for cut in np.logspace(-1.7, -0.12, 40))
LEVEL_AXIS = 2  # of a table (saturations, contrasts, levels, ...)


@dataclass(frozen=True)
class L3Settings:
    """How an L3 is learned.

    Attributes:
        patch: pixels of a patch's side; odd.
        level_cuts: mean values where one level of brightness ends, ascending, in 0..1.
        contrast_cuts: likewise standard deviations for the levels of contrast.
        saturation: whether patches with saturated pixels are classes of their own.
        most: patches of a class that are learned from, shared evenly over the pictures.
        method: "least-squares"; "ridge" with the penalty of least cross-validation error; or
            "wiener", least squares for patches with more noise than those shown.
        separate: whether the outputs have penalties of their own.
        shot: of the noise for "wiener", whose variance is shot * mean + read.
        read: likewise.
        smooth: whether a class is averaged with its neighbours in brightness, see `smoothed`.
        symmetric: whether kernels must look the same flipped and transposed.
        seed: of the draw of the patches.

    Raises:
        UsageProblem: the method is unknown, or cuts do not ascend.
    """

    patch: int = 5
    level_cuts: tuple[float, ...] = LEVEL_CUTS
    contrast_cuts: tuple[float, ...] = CONTRASTS
    saturation: bool = False
    most: int = 100_000
    method: Method = "ridge"
    separate: bool = True
    shot: float = 0.0
    read: float = 0.0
    smooth: bool = False
    symmetric: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in (known := ("least-squares", "ridge", "wiener")):
            raise UsageProblem(f"unknown method {self.method!r} of L3; known: {', '.join(known)}")
        for cuts in (self.level_cuts, self.contrast_cuts):
            if any(low >= high for low, high in itertools.pairwise(cuts)):
                raise UsageProblem("the cuts of L3 must ascend; put them in order")


def fit_l3(pairs: Iterable[Pair], settings: L3Settings, *, pictures: int | None = None) -> L3:
    """Learn an L3 from pairs, each looked at once.

    Args:
        pairs: inputs (C, H, W) and targets (C', H, W), float32 in 0..1, as their files code them.
        settings: how.
        pictures: how many pairs there are; None asks `len(pairs)`.

    Raises:
        UsageProblem: there are no pairs, or too few patches for any class; the settings are out
            of the network's range.
        ValueError: the two of a pair differ in size, or pairs differ in their planes.
        TypeError: `pairs` has no length and none is given.
    """
    if pictures is None:
        if not isinstance(pairs, Sized):
            raise TypeError("pairs without a length need their number: pictures=...")
        pictures = len(pairs)
    coming = iter(pairs)
    first = next(coming, None)
    if first is None:
        raise UsageProblem("L3 has no pairs to learn from; give it at least one")
    network = empty_l3(settings, inputs=len(first[0]), outputs=len(first[1]))
    every = itertools.chain([first], coming)
    sums = sum_pairs(every, network, pictures=pictures, most=settings.most, seed=settings.seed)
    kernels, learned = fit_table(sums, network, settings)
    network.kernels.copy_(torch.from_numpy(kernels))
    network.learned.copy_(torch.from_numpy(learned))
    return network.eval()


def empty_l3(settings: L3Settings, *, inputs: int, outputs: int) -> L3:
    """Return an L3 that sorts patches as the settings say and has learned nothing.

    Raises:
        UsageProblem: the settings are out of the network's range.
    """
    levels, contrasts = len(settings.level_cuts), len(settings.contrast_cuts)
    try:
        network = L3(
            inputs, outputs, settings.patch, levels, contrasts, saturation=settings.saturation
        )
    except ValueError as error:
        raise UsageProblem(f"L3 cannot be made like that: {error}") from None
    network.level_cuts.copy_(torch.tensor(settings.level_cuts))
    network.contrast_cuts.copy_(torch.tensor(settings.contrast_cuts))
    return network


def fit_table(sums: L3Sums, network: L3, settings: L3Settings) -> tuple[Array, Learned]:
    """Return the kernels (classes, features, outputs) and which were learned, (classes,).

    Raises:
        UsageProblem: none was.
    """
    kernels, learned = fit_classes(sums, settings, inputs=network.inputs)
    if not learned.any():
        raise UsageProblem(
            "no class of L3 has patches enough to learn from; give larger pictures or fewer cuts"
        )
    table = kernels.reshape(*network.table_shape, *kernels.shape[1:])
    known = learned.reshape(network.table_shape)
    if settings.smooth:
        table = smoothed(table, known * sums.counts.reshape(known.shape))
    table, known = filled(table, known)
    return table.reshape(kernels.shape), known.ravel()


def fit_classes(sums: L3Sums, settings: L3Settings, *, inputs: int) -> tuple[Array, Learned]:
    """Solve each class by itself; those with too few patches stay 0 and are not learned."""
    features = sums.features
    kernels = np.zeros((len(sums.gram), features, sums.gram.shape[1] - features))
    learned = np.zeros(len(kernels), np.bool_)
    lambdas = LAMBDAS if settings.method == "ridge" else NO_LAMBDA
    basis = symmetric_basis(inputs, settings.patch) if settings.symmetric else None
    for label in np.flatnonzero(sums.counts):
        known = sums.of_class(int(label))
        if not is_enough(known):
            continue
        if settings.method == "wiener":
            known = with_noise(known, shot=settings.shot, read=settings.read)
        kernels[label] = solve(known, lambdas=lambdas, separate=settings.separate, basis=basis)
        learned[label] = True
    return kernels, learned


def filled(table: Array, learned: Learned) -> tuple[Array, Learned]:
    """Give a class that was not learned the mean of its learned neighbours, if it has any.

    A neighbour is a step of one along saturation, contrast or level. Once only: beyond, the
    network takes the nearest learned class, which is no worse than means of means.

    Args:
        table: (saturations, contrasts, levels, features, outputs) kernels.
        learned: (saturations, contrasts, levels).
    """
    weights = learned.astype(np.float64)
    near = sum((beside(weights, axis) for axis in range(3)), np.zeros_like(weights))
    means = (
        sum(
            (beside(table * weights[..., None, None], axis) for axis in range(3)),
            np.zeros_like(table),
        )
        / np.maximum(near, 1)[..., None, None]
    )
    is_gap = ~learned & (near > 0)
    return np.where(is_gap[..., None, None], means, table), learned | is_gap


def smoothed(table: Array, counts: Array) -> Array:
    """Average each class with the neighbours in brightness, so that flat parts get no edges.

    A ramp crosses from one class to the next where it was flat before, and two maps that were
    learned apart do not meet there. The weights are 2 for the class itself and 1 for the two
    beside it, times their numbers of patches, so that poorly known classes lean on better ones.

    Args:
        table: (saturations, contrasts, levels, features, outputs) kernels.
        counts: (saturations, contrasts, levels) patches they were learned from; 0: not learned.
    """
    weighted = table * counts[..., None, None]
    total = 2 * counts + beside(counts, LEVEL_AXIS)
    means = (2 * weighted + beside(weighted, LEVEL_AXIS)) / np.maximum(total, 1)[..., None, None]
    return np.where(counts[..., None, None] > 0, means, table)


def beside(values: Array, axis: int) -> Array:
    """Return the sum of the two neighbours along an axis; beyond the ends there is 0.

    >>> beside(np.array([1.0, 2.0, 4.0]), 0).tolist()
    [2.0, 5.0, 2.0]
    """
    edge = [(1, 1) if number == axis else (0, 0) for number in range(values.ndim)]
    padded = np.pad(values, edge)
    size = values.shape[axis]
    before, after = (padded.take(range(start, start + size), axis) for start in (0, 2))
    return np.asarray(before + after)
