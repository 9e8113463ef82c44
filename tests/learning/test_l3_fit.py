import numpy as np
import pytest
import torch

from darkroom.errors import UsageProblem
from darkroom.learning.l3_fit import L3Settings, beside, empty_l3, filled, fit_l3, smoothed
from darkroom.learning.l3_sums import Pair
from darkroom.networks.l3 import L3

FEW = L3Settings(
    patch=3, level_cuts=(0.3, 0.6), contrast_cuts=(0.03,), most=1_000_000, method="least-squares"
)


def planes_of(seed: int, inputs: int = 1, size: tuple[int, int] = (60, 60)) -> np.ndarray:
    """Return planes of every brightness, with texture above and little of it below."""
    rng = np.random.default_rng(seed)
    texture = np.where(np.arange(size[0]) < size[0] // 2, 0.1, 0.015)[:, None]
    ramp = np.linspace(0.1, 0.9, size[1])
    return (ramp + texture * rng.normal(size=(inputs, *size))).clip(0, 1).astype(np.float32)


def noisy_pairs(count: int = 3) -> list[Pair]:
    rng = np.random.default_rng(9)
    inputs = [planes_of(seed) for seed in range(count)]
    return [
        (x, (np.repeat(x**2, 3, 0) + 0.02 * rng.normal(size=(3, 60, 60))).astype(np.float32))
        for x in inputs
    ]


def teacher(settings: L3Settings, inputs: int, outputs: int) -> L3:
    """Return a network that knows an affine map of its own for every class."""
    network = empty_l3(settings, inputs=inputs, outputs=outputs)
    torch.manual_seed(0)
    network.kernels.copy_(torch.rand_like(network.kernels) / network.kernels.shape[1])
    return network


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 3), (3, 1)])
@pytest.mark.parametrize("method", ["least-squares", "ridge"])
def test_recovers_the_map_of_every_class(inputs: int, outputs: int, method: str) -> None:
    settings = L3Settings(**{**vars(FEW), "method": method})
    known = teacher(settings, inputs, outputs)
    pairs = [
        (x, known(torch.from_numpy(x)[None])[0].numpy())
        for x in (planes_of(seed, inputs) for seed in range(4))
    ]
    learned = fit_l3(pairs, settings)
    assert bool(learned.learned.all())
    tolerance = 1e-4 if method == "least-squares" else 1e-2
    torch.testing.assert_close(learned.kernels, known.kernels, rtol=0, atol=tolerance)
    planes = torch.from_numpy(planes_of(8, inputs))[None]
    torch.testing.assert_close(learned(planes), known(planes), rtol=0, atol=1e-3)


def test_one_class_is_one_least_squares_fit() -> None:
    pairs = noisy_pairs()
    settings = L3Settings(patch=1, level_cuts=(), contrast_cuts=(), method="least-squares")
    x = np.concatenate([planes.ravel() for planes, _ in pairs]).astype(np.float64)
    y = np.concatenate([target.reshape(3, -1).T for _, target in pairs]).astype(np.float64)
    expected = np.linalg.lstsq(np.stack([np.ones_like(x), x], 1), y)[0]
    np.testing.assert_allclose(fit_l3(pairs, settings).kernels[0], expected, rtol=1e-5)


def test_classes_fit_better_than_one_map() -> None:
    pairs = noisy_pairs()
    one = fit_l3(pairs, L3Settings(patch=3, level_cuts=(), contrast_cuts=()))
    many = fit_l3(pairs, FEW)

    def error(network: L3) -> float:
        results = [network(torch.from_numpy(planes)[None])[0].numpy() for planes, _ in pairs]
        return float(
            np.mean([np.square(r - t).mean() for r, (_, t) in zip(results, pairs, strict=True)])
        )

    assert error(many) < error(one)


def test_pairs_may_come_one_by_one_and_only_once() -> None:
    pairs = noisy_pairs()
    streamed = fit_l3((pair for pair in pairs), FEW, pictures=3)
    assert torch.equal(streamed.kernels, fit_l3(pairs, FEW).kernels)
    with pytest.raises(TypeError, match="pictures="):
        fit_l3((pair for pair in pairs), FEW)


def test_equal_pairs_give_equal_networks() -> None:
    settings = [L3Settings(**{**vars(FEW), "most": 300, "seed": seed}) for seed in (0, 0, 1)]
    first, again, other = (fit_l3(noisy_pairs(), chosen).kernels for chosen in settings)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "wiener", "shot": 0.01, "read": 0.001},
        {"symmetric": True},
        {"smooth": True},
        {"separate": False, "method": "ridge"},
        {"saturation": True},
    ],
)
def test_every_option_makes_a_network_of_its_own(changes: dict[str, object]) -> None:
    pairs = noisy_pairs()
    planes = torch.from_numpy(pairs[0][0])[None]
    plain, changed = fit_l3(pairs, FEW), fit_l3(pairs, L3Settings(**{**vars(FEW), **changes}))
    assert changed.kernels.shape != plain.kernels.shape or not torch.equal(
        changed.kernels, plain.kernels
    )
    assert float((changed(planes)[0] - torch.from_numpy(pairs[0][1])).square().mean()) < 0.01


def test_a_class_without_patches_is_not_learned_far_from_the_others() -> None:
    dark = [(0.2 * planes, target) for planes, target in noisy_pairs()]
    settings = L3Settings(**{**vars(FEW), "level_cuts": (0.3, 0.5, 0.7), "contrast_cuts": ()})
    network = fit_l3(dark, settings)
    assert network.learned.tolist() == [1, 1, 0, 0]
    assert torch.equal(network.kernels[1], network.kernels[0])
    assert torch.equal(network.complete_kernels()[3], network.kernels[0])


def test_a_gap_takes_the_mean_of_its_learned_neighbours() -> None:
    table = np.arange(6.0).reshape(1, 2, 3, 1, 1)
    learned = np.array([[[True, False, True], [False, True, False]]])
    kernels, known = filled(table * learned[..., None, None], learned)
    assert known.all()
    assert kernels.ravel().tolist() == [0, (0 + 2 + 4) / 3, 2, (0 + 4) / 2, 4, (2 + 4) / 2]


def test_filling_goes_one_step_only() -> None:
    learned = np.array([[[True, False, False]]])
    kernels, known = filled(np.array([7.0, 0, 0]).reshape(1, 1, 3, 1, 1), learned)
    assert known.ravel().tolist() == [True, True, False]
    assert kernels.ravel().tolist() == [7, 7, 0]


def test_smoothing_weighs_by_patches_and_leaves_gaps_alone() -> None:
    table = np.array([1.0, 4.0, 9.0, 50.0]).reshape(1, 1, 4, 1, 1)
    counts = np.array([100.0, 100.0, 0.0, 300.0]).reshape(1, 1, 4)
    assert smoothed(table, counts).ravel().tolist() == [2, 3, 9, 50]


def test_smoothing_makes_flat_parts_meet() -> None:
    pairs = noisy_pairs(1)
    settings = {**vars(FEW), "level_cuts": tuple(np.linspace(0.1, 0.9, 30)), "contrast_cuts": ()}
    steps = []
    for smooth in (False, True):
        network = fit_l3(pairs, L3Settings(**{**settings, "smooth": smooth}))
        flat = network.kernels[:, 0] + network.level_cuts[15] * network.kernels[:, 1:].sum(1)
        steps.append(float(flat.diff(dim=0).abs().mean()))
    assert steps[1] < 0.7 * steps[0]


def test_equal_kernels_stay_equal_when_smoothed() -> None:
    table = np.full((2, 2, 5, 3, 1), 0.3)
    np.testing.assert_allclose(smoothed(table, np.full((2, 2, 5), 70.0)), table)


def test_neighbours_are_found_along_any_axis() -> None:
    values = np.arange(6.0).reshape(2, 3)
    assert beside(values, 0).tolist() == [[3, 4, 5], [0, 1, 2]]
    assert beside(values, 1).tolist() == [[1, 2, 1], [4, 8, 4]]


def test_what_cannot_be_learned_is_said() -> None:
    with pytest.raises(UsageProblem, match="no pairs"):
        fit_l3([], FEW)
    tiny = [(planes[:, :6, :6], target[:, :6, :6]) for planes, target in noisy_pairs(1)]
    with pytest.raises(UsageProblem, match="larger pictures or fewer cuts"):
        fit_l3(tiny, FEW)
    with pytest.raises(UsageProblem, match="patch must be odd"):
        fit_l3(noisy_pairs(1), L3Settings(patch=4))
    with pytest.raises(UsageProblem, match="known: least-squares, ridge, wiener"):
        L3Settings(method="lasso")  # type: ignore[arg-type]
    with pytest.raises(UsageProblem, match="must ascend"):
        L3Settings(level_cuts=(0.5, 0.4))


def test_a_network_survives_its_own_configuration() -> None:
    network = fit_l3(noisy_pairs(), FEW)
    again = L3(**network.config)
    again.load_state_dict(network.state_dict())
    planes = torch.from_numpy(planes_of(5))[None]
    assert torch.equal(again(planes), network(planes))
