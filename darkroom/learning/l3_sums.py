"""The sums that L3 learns from: all that least squares needs to know of the patches of a class.

For each class one symmetric matrix G = Z'Z with Z = [1, patch, target], a row a patch, in float64.
It holds the number of patches N = G[0, 0], X'X, X'Y and Y'Y for X = [1, patch]. Pictures come one
by one and are forgotten: the sums of 164 classes of 5x5 patches take 1.1 MB, sorting a picture 20
bytes a pixel, and the patches drawn are held one class at a time (35 MB for 100,000 of them).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from darkroom.networks.l3 import L3

FloatArray = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Pair = tuple[FloatArray, FloatArray]
Draw = tuple[int, npt.NDArray[np.int32]]


@dataclass(frozen=True)
class ClassSums:
    """What one class knows: X (count, features) with its column of ones first, Y (count, outputs).

    Attributes:
        count: number of patches.
        xx: X'X.
        xy: X'Y.
        yy: the diagonal of Y'Y.
    """

    count: int
    xx: Array
    xy: Array
    yy: Array


@dataclass(frozen=True)
class L3Sums:
    """The sums of all classes: (classes, 1 + pixels + outputs, 1 + pixels + outputs).

    Attributes:
        gram: the matrices Z'Z.
        features: columns of X, the one of ones included.
    """

    gram: Array
    features: int

    @property
    def counts(self) -> Array:
        """Number of patches of each class, (classes,)."""
        return self.gram[:, 0, 0]

    def of_class(self, label: int) -> ClassSums:
        """Return the sums of one class."""
        gram, last = self.gram[label], self.features
        xx, xy = gram[:last, :last], gram[:last, last:]
        return ClassSums(round(gram[0, 0]), xx, xy, np.diagonal(gram)[last:])


def sum_pairs(
    pairs: Iterable[Pair], network: L3, *, pictures: int, most: int, seed: int = 0
) -> L3Sums:
    """Sum up the whole patches of all pairs, class by class; pixels at the border have none.

    Args:
        pairs: inputs (C, H, W) and targets (C', H, W), float32.
        network: says which class a patch is of; its kernels do not count.
        pictures: how many pairs will come: each gives an equal share of a class.
        most: patches of a class; more are not looked at. Which ones is drawn at random.
        seed: of that draw.

    Raises:
        ValueError: the two of a pair differ in size, or have not the network's planes.
    """
    features = network.kernels.shape[1]
    size = features + network.outputs
    gram = np.zeros((len(network.kernels), size, size))
    share = max(most // max(pictures, 1), 1)
    for number, (planes, target) in enumerate(pairs):
        check_pair(planes, target, network)
        rng = np.random.default_rng([seed, number])
        for label, rows in patches_of(planes, target, network, share, rng):
            gram[label] += rows.T @ rows
    return L3Sums(gram, features)


def check_pair(planes: FloatArray, target: FloatArray, network: L3) -> None:
    """Refuse a pair that does not fit.

    Raises:
        ValueError: see `sum_pairs`.
    """
    if (len(planes), len(target)) != (network.inputs, network.outputs):
        raise ValueError(
            f"a pair has {len(planes)} and {len(target)} planes,"
            f" not {network.inputs} and {network.outputs}"
        )
    if planes.shape[1:] != target.shape[1:]:
        raise ValueError(f"a pair differs in size: {planes.shape[1:]} and {target.shape[1:]}")


def patches_of(
    planes: FloatArray, target: FloatArray, network: L3, share: int, rng: np.random.Generator
) -> Iterator[tuple[int, Array]]:
    """Yield each class of a picture with its rows [1, patch, target], at most `share`, (n, Z)."""
    side, border = network.patch, network.halo
    if min(planes.shape[1:]) < side:
        return
    labels = network.classify_whole(torch.from_numpy(planes)[None])[0].numpy()
    windows = np.lib.stride_tricks.sliding_window_view(planes, (side, side), axis=(1, 2))
    for label, places in draw(labels.ravel(), share, rng):
        row, column = np.divmod(places, labels.shape[1])
        patches = np.moveaxis(windows[:, row, column], 0, 1).reshape(len(places), -1)
        colours = target[:, row + border, column + border].T
        ones = np.ones((len(places), 1))
        yield label, np.concatenate([ones, patches, colours], axis=1)


def draw(labels: npt.NDArray[np.int16], share: int, rng: np.random.Generator) -> Iterator[Draw]:
    """Yield each class of the labels (n,) with the places of at most `share` of its pixels.

    >>> labels = np.array([3, 1, 3, 3], np.int16)
    >>> [(label, len(places)) for label, places in draw(labels, 2, np.random.default_rng(0))]
    [(1, 1), (3, 2)]
    """
    order = rng.permutation(np.arange(len(labels), dtype=np.int32))
    order = order[np.argsort(labels[order], kind="stable")]  # of 16 bits: one pass, not n log n
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    for label in np.flatnonzero(counts):
        start = starts[label]
        yield int(label), np.sort(order[start : start + min(share, counts[label])])
