"""The affine map of one class of L3, from its sums alone: least squares, ridge or Wiener.

With X'X = V diag(e) V' and c = V'X'y, ridge regression is beta = V c / (e + lambda). Its residual
is that of least squares, y'y - sum c^2 / e, and sum lambda^2 c^2 / (e (e + lambda)^2) beside it;
so any lambda is tried without looking at a patch again. The column of ones is penalised like the
others, as in isetL3.
"""

import itertools
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darkroom.learning.l3_sums import Array, ClassSums

LAMBDAS = np.concatenate([[0.0], np.logspace(-3, -1, 20)])
NO_LAMBDA = np.zeros(1)
LEAST_EIGENVALUE = 1e-12  # of the largest: below it the sums are rounding
LEAST_PATCHES = 50


class Spectrum(NamedTuple):
    """A class in the directions its patches vary in: e (k,), V (features, k), c (k, outputs)."""

    strengths: Array
    directions: Array
    answers: Array
    residuals: Array  # (outputs,) squared error of least squares


def is_enough(sums: ClassSums) -> bool:
    """Whether a class has patches enough to learn from: 50, and more than a patch has pixels."""
    return sums.count >= max(LEAST_PATCHES, len(sums.xx))


def solve(
    sums: ClassSums,
    *,
    lambdas: Array = NO_LAMBDA,
    separate: bool = True,
    basis: Array | None = None,
) -> Array:
    """Return the affine map (features, outputs) of a class.

    Args:
        sums: of the class.
        lambdas: penalties to choose from by generalised cross-validation.
        separate: whether each output has a penalty of its own, or all have one.
        basis: (features, k) orthonormal columns the map must be made of; None for all maps.
    """
    if basis is None:
        spectrum = spectrum_of(sums)
        return shrunk(spectrum, chosen(spectrum, sums.count, lambdas, separate=separate))
    within = replace(sums, xx=basis.T @ sums.xx @ basis, xy=basis.T @ sums.xy)
    return np.asarray(basis @ solve(within, lambdas=lambdas, separate=separate))


def spectrum_of(sums: ClassSums) -> Spectrum:
    """Return the directions of a class that its patches determine."""
    strengths, directions = np.linalg.eigh(sums.xx)
    told = strengths > LEAST_EIGENVALUE * strengths[-1]
    strengths, directions = strengths[told], directions[:, told]
    answers = directions.T @ sums.xy
    residuals = sums.yy - (answers**2 / strengths[:, None]).sum(0)
    return Spectrum(strengths, directions, answers, residuals.clip(0))


def shrunk(spectrum: Spectrum, penalties: Array) -> Array:
    """Return the ridge solution (features, outputs) for a penalty an output, (outputs,)."""
    damped = spectrum.answers / (spectrum.strengths[:, None] + penalties)
    return np.asarray(spectrum.directions @ damped)


def chosen(spectrum: Spectrum, count: int, lambdas: Array, *, separate: bool) -> Array:
    """Return the penalty of each output, (outputs,), with the least cross-validation error."""
    errors = np.array([validation_error(spectrum, count, penalty) for penalty in lambdas])
    if not separate:
        errors = np.broadcast_to(errors.sum(1, keepdims=True), errors.shape)
    return np.asarray(lambdas[errors.argmin(0)])


def validation_error(spectrum: Spectrum, count: int, penalty: float) -> Array:
    """Return the generalised cross-validation error of each output, (outputs,).

    mean((y - yhat)^2) / (1 - tr S / N)^2 with tr S = sum e / (e + lambda): Golub, Heath, Wahba
    1979, "Generalized cross-validation as a method for choosing a good ridge parameter".
    """
    e = spectrum.strengths
    more = (penalty**2 / (e * (e + penalty) ** 2)) @ spectrum.answers**2
    freedom = (e / (e + penalty)).sum()
    return np.asarray((spectrum.residuals + more) / count / (1 - freedom / count) ** 2)


def with_noise(sums: ClassSums, *, shot: float, read: float) -> ClassSums:
    """Return the sums as they would be, on average, if the patches were noisy: Wiener's filter.

    The noise of a pixel has the variance `shot * mean + read`, taken at the mean of the class. It
    adds N times that to the squares of the pixels; the column of ones has no noise.
    """
    mean = sums.xx[0, 1:].mean() / sums.count
    noise = np.full(len(sums.xx), sums.count * max(shot * mean + read, 0))
    noise[0] = 0
    return replace(sums, xx=sums.xx + np.diag(noise))


def symmetric_basis(inputs: int, patch: int) -> npt.NDArray[np.float64]:
    """Return an orthonormal basis (1 + inputs * patch**2, k) of the symmetric affine maps.

    Symmetric kernels look the same flipped and transposed: pixels equally far along both axes, in
    either order, share a weight. The 5x5 patch keeps 6 weights of 25.
    """
    far = [abs(place - patch // 2) for place in range(patch)]
    kinds = [tuple(sorted(pixel)) for pixel in itertools.product(far, far)]
    same = np.array([[kind == other for kind in kinds] for other in sorted(set(kinds))], np.float64)
    plane = (same / np.sqrt(same.sum(1, keepdims=True))).T
    basis = np.zeros((1 + inputs * len(plane), 1 + inputs * plane.shape[1]))
    basis[0, 0] = 1
    basis[1:, 1:] = np.kron(np.eye(inputs), plane)
    return basis
