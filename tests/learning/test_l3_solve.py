import numpy as np
import pytest

from darkroom.learning.l3_solve import (
    LAMBDAS,
    is_enough,
    solve,
    symmetric_basis,
    with_noise,
)
from darkroom.learning.l3_sums import ClassSums


def example(count: int = 80, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Return X (count, 10) with its ones and Y (count, 2), of a noisy affine map."""
    rng = np.random.default_rng(0)
    common = rng.random((count, 1))
    x = np.concatenate([np.ones((count, 1)), common + 0.05 * rng.normal(size=(count, 9))], axis=1)
    y = x @ rng.normal(size=(10, 2)) + noise * rng.normal(size=(count, 2)) * [1, 30]
    return x, y


def sums_of(x: np.ndarray, y: np.ndarray) -> ClassSums:
    return ClassSums(len(x), x.T @ x, x.T @ y, (y**2).sum(0))


def by_svd(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Return beta = V diag(d / (d^2 + lambda)) U'Y and its cross-validation error an output."""
    u, d, v = np.linalg.svd(x, full_matrices=False)
    beta = v.T @ np.diag(d / (d**2 + penalty)) @ u.T @ y
    freedom = (d**2 / (d**2 + penalty)).sum()
    return beta, ((y - x @ beta) ** 2).mean(0) / (1 - freedom / len(x)) ** 2


def test_least_squares_is_least_squares() -> None:
    x, y = example()
    np.testing.assert_allclose(solve(sums_of(x, y)), np.linalg.lstsq(x, y)[0], rtol=1e-8)


def test_an_affine_map_is_recovered() -> None:
    x, _ = example()
    beta = np.random.default_rng(1).normal(size=(10, 3))
    np.testing.assert_allclose(solve(sums_of(x, x @ beta)), beta, rtol=1e-8)


def test_ridge_equals_the_svd_formula_tried_by_hand() -> None:
    lambdas = np.concatenate([LAMBDAS, [0.3, 1.0, 3.0]])
    x, y = example()
    tried = [by_svd(x, y, penalty) for penalty in lambdas]
    best = np.array([error for _, error in tried]).argmin(0)
    assert best[0] != best[1]  # the outputs do want penalties of their own
    expected = np.stack([tried[best[output]][0][:, output] for output in range(2)], axis=1)
    np.testing.assert_allclose(solve(sums_of(x, y), lambdas=lambdas), expected, rtol=1e-7)


def test_a_common_penalty_is_the_best_for_all_outputs_together() -> None:
    lambdas = np.concatenate([LAMBDAS, [0.3, 1.0, 3.0]])
    x, y = example()
    tried = [by_svd(x, y, penalty) for penalty in lambdas]
    expected = tried[int(np.argmin([error.sum() for _, error in tried]))][0]
    together = solve(sums_of(x, y), lambdas=lambdas, separate=False)
    np.testing.assert_allclose(together, expected, rtol=1e-7)


def test_pixels_that_never_vary_do_no_harm() -> None:
    x, _ = example()
    x[:, 1:] = 0.25  # a flat class: one direction is told, the others are not
    beta = solve(sums_of(x, np.full((80, 1), 0.7)), lambdas=LAMBDAS)
    assert np.abs(beta).max() < 1
    np.testing.assert_allclose(x @ beta, 0.7, rtol=1e-6)


def test_wiener_is_least_squares_of_noisy_patches() -> None:
    rng = np.random.default_rng(2)
    x, y = example(2000)
    variance = 0.3 * x[:, 1:].mean() + 0.01
    noisy = np.concatenate([x] * 200)
    noisy[:, 1:] += np.sqrt(variance) * rng.normal(size=noisy[:, 1:].shape)
    expected = solve(sums_of(noisy, np.concatenate([y] * 200)))
    wiener = solve(with_noise(sums_of(x, y), shot=0.3, read=0.01))
    np.testing.assert_allclose(wiener, expected, atol=0.02)
    assert np.abs(wiener[1:]).sum() < np.abs(solve(sums_of(x, y))[1:]).sum()


def test_without_noise_wiener_is_least_squares() -> None:
    sums = sums_of(*example())
    np.testing.assert_array_equal(with_noise(sums, shot=0, read=0).xx, sums.xx)


def test_symmetric_kernels_look_the_same_flipped_and_transposed() -> None:
    x, y = example()
    beta = solve(sums_of(x, y), lambdas=LAMBDAS, basis=symmetric_basis(1, 3))
    kernel = beta[1:].reshape(3, 3, 2)
    for view in (kernel[::-1], kernel[:, ::-1], kernel.transpose(1, 0, 2)):
        np.testing.assert_allclose(view, kernel, atol=1e-12)


def test_symmetric_kernels_are_the_best_of_their_kind() -> None:
    x, y = example()
    basis = symmetric_basis(1, 3)
    expected = basis @ np.linalg.lstsq(x @ basis, y)[0]
    np.testing.assert_allclose(solve(sums_of(x, y), basis=basis), expected, rtol=1e-7)


@pytest.mark.parametrize(("inputs", "patch", "weights"), [(1, 5, 6), (3, 5, 18), (1, 1, 1)])
def test_symmetric_bases_are_orthonormal(inputs: int, patch: int, weights: int) -> None:
    basis = symmetric_basis(inputs, patch)
    assert basis.shape == (1 + inputs * patch**2, 1 + weights)
    np.testing.assert_allclose(basis.T @ basis, np.eye(1 + weights), atol=1e-12)


@pytest.mark.parametrize(
    ("count", "pixels", "enough"), [(49, 9, False), (50, 9, True), (81, 81, False), (82, 81, True)]
)
def test_few_patches_are_not_enough(count: int, pixels: int, enough: bool) -> None:
    empty = np.zeros((pixels + 1, pixels + 1))
    assert is_enough(ClassSums(count, empty, empty[:, :1], np.zeros(1))) is enough
