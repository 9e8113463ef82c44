from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from darkroom.inference.tiling import fixed_grid
from darkroom.inference.torch_engine import TorchEngine
from darkroom.networks import l3
from darkroom.networks.l3 import L3, nearest_learned, pad_around, strips
from tests.conftest import run_tiled

NOISE = torch.zeros(1, 8)


def lively(**config: int) -> L3:
    """Build an L3 whose classes all differ, so that a wrong class is seen."""
    torch.manual_seed(0)
    network = L3(**config).eval()
    network.kernels.copy_(torch.rand_like(network.kernels) / network.kernels.shape[1])
    network.kernels[:, 0] += torch.rand_like(network.kernels[:, 0]) / 4
    return network


def textured(*shape: int) -> Tensor:
    """Return planes of every brightness and contrast, (1, *shape)."""
    ramp = torch.linspace(0, 1, shape[-1]).expand(shape)
    texture = torch.linspace(0, 0.2, shape[-2])[:, None] * torch.randn(shape)
    return (ramp + texture).clamp(0, 1)[None]


def by_the_book(network: L3, patch: Tensor) -> tuple[int, Tensor]:
    """Return the class of one patch (C, p, p) and its colours, straight from the formulas."""
    values = patch.double().numpy()
    planes = values.reshape(len(values), -1)
    level = sum(cut < planes.mean(1).mean() for cut in network.level_cuts.tolist())
    variances = np.maximum((planes**2).mean(1) - planes.mean(1) ** 2, 0)
    contrast = sum(cut < np.sqrt(variances.mean()) for cut in network.contrast_cuts.tolist())
    bits = sum(2 ** (c - 1) for c, plane in enumerate(planes, 1) if (plane > 0.95).any())
    saturation = bits if network.saturation else 0
    levels, contrasts = len(network.level_cuts) + 1, len(network.contrast_cuts) + 1
    label = int(level + levels * (contrast + contrasts * saturation))
    kernel = network.kernels[label].double().numpy()
    return label, torch.from_numpy(kernel[0] + planes.ravel() @ kernel[1:]).clamp(0, 1)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"patch": 3, "levels": 7, "contrasts": 0},
        {"patch": 1, "levels": 0, "contrasts": 0},
        {"inputs": 3, "outputs": 1, "patch": 3, "levels": 5, "contrasts": 2, "saturation": True},
    ],
)
def test_renders_by_the_book(config: dict[str, int]) -> None:
    network = lively(**config)
    planes, halo = textured(network.inputs, 12, 17), network.halo
    padded = pad_around(planes, halo)
    labels, picture = network.classify(padded)[0], network(planes, NOISE)[0]
    for row in range(12):
        for column in range(17):
            side = network.patch
            patch = padded[0, :, row : row + side, column : column + side]
            label, colours = by_the_book(network, patch)
            assert int(labels[row, column]) == label
            torch.testing.assert_close(picture[:, row, column], colours.float())
    most = max(len(network.kernels) // 4, 1)
    assert len(labels.unique()) >= min(most, 8)  # the example does use the table


def test_a_value_on_a_cut_belongs_below_it() -> None:
    network = L3(patch=1, levels=2, contrasts=0)
    network.level_cuts.copy_(torch.tensor([0.25, 0.5]))
    values = torch.tensor([0.0, 0.25, 0.26, 0.5, 0.51]).view(1, 1, 1, 5)
    assert network.classify(values).tolist() == [[[0, 0, 1, 1, 2]]]


def test_untrained_it_shows_grey() -> None:
    planes = textured(2, 9, 9)
    picture = L3(inputs=2)(planes)
    torch.testing.assert_close(picture, planes.mean(1, keepdim=True).expand(1, 3, 9, 9))


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (3, 1), (16, 16), (17, 33)])
def test_takes_any_size(size: tuple[int, int]) -> None:
    network = lively(patch=5)
    picture = network(torch.rand(2, 1, *size), NOISE.expand(2, 8))
    assert picture.shape == (2, 3, *size)
    assert picture.dtype == torch.float32
    assert bool(torch.isfinite(picture).all())


@pytest.mark.parametrize("patch", [1, 3, 5, 9])
def test_nothing_beyond_the_halo_is_seen(patch: int) -> None:
    network = lively(patch=patch)
    planes = textured(1, 31, 31).requires_grad_()
    network(planes)[0, :, 15, 15].sum().backward()
    assert planes.grad is not None
    seen = planes.grad[0, 0].nonzero() - 15
    assert int(seen.abs().max()) == network.halo == patch // 2


@pytest.mark.parametrize("config", [{}, {"patch": 9}, {"inputs": 3, "outputs": 1}])
@pytest.mark.parametrize("core", [1, 7, 16])
def test_tiles_give_exactly_what_the_whole_gives(config: dict[str, int], core: int) -> None:
    network = lively(**config)
    engine = TorchEngine(network, "cpu", "bf16")
    planes = textured(network.inputs, 21, 50)[0].numpy()
    run = lambda tile: engine.run(tile, NOISE[0].numpy())  # noqa: E731
    grid = fixed_grid((21, 50), core=core, halo=network.halo, multiple_of=network.multiple_of)
    assert grid.count > 1
    assert np.abs(run_tiled(run, planes, grid) - run(planes)).max() < 1e-6


@pytest.mark.parametrize("inputs", [1, 3])
def test_a_patch_has_its_class_wherever_it_lies(inputs: int) -> None:
    network = L3(inputs, saturation=True)
    planes = (textured(inputs, 60, 80) * 255).round() / 255  # many values are near a cut
    network.level_cuts.copy_(planes[:, :, :5, :5].mean() + torch.arange(-20, 20) / 255 / 25)
    labels = network.classify(planes)
    for row, column in [(0, 1), (3, 0), (17, 29), (55, 75)]:
        moved = network.classify(planes[..., row:, column:].clone())
        assert torch.equal(moved, labels[:, row:, column:])


def test_strips_give_exactly_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    network, planes = lively(), textured(1, 23, 40)
    whole, labels = network(planes), network.classify_whole(planes)
    monkeypatch.setattr(l3, "STRIP", 100)
    torch.testing.assert_close(network(planes), whole, rtol=0, atol=1e-6)
    assert torch.equal(network.classify_whole(planes), labels)


def test_pictures_of_a_batch_do_not_meet() -> None:
    network, batch = lively(), torch.cat([textured(1, 20, 30), 1 - textured(1, 20, 30)])
    alone = torch.cat([network(planes[None]) for planes in batch])
    torch.testing.assert_close(network(batch), alone, rtol=0, atol=1e-6)


def test_half_precision_changes_nothing() -> None:
    network, planes = lively(), textured(1, 20, 30)
    with torch.autocast("cpu", torch.bfloat16):
        half = network(planes)
    assert torch.equal(half, network(planes))


def test_results_stay_within_black_and_white() -> None:
    network = lively()
    network.kernels.mul_(40).sub_(2)
    picture = network(textured(1, 20, 30))
    assert (float(picture.min()), float(picture.max())) == (0, 1)


def test_whole_patches_are_classified_like_padded_ones() -> None:
    network, planes = lively(), textured(1, 20, 30)
    labels = network.classify_whole(planes)
    assert labels.shape == (1, 16, 26)
    assert torch.equal(network.classify(pad_around(planes, 2))[:, 2:-2, 2:-2], labels.long())


def test_saturated_planes_are_classes_of_their_own() -> None:
    network = L3(inputs=2, patch=1, levels=0, contrasts=0, saturation=True)
    planes = torch.tensor([[0.5, 0.96, 0.5, 0.96], [0.5, 0.5, 0.96, 0.96]]).view(1, 2, 1, 4)
    assert network.classify(planes).tolist() == [[[0, 1, 2, 3]]]


def test_an_unlearned_class_takes_the_nearest_learned_one() -> None:
    learned = torch.tensor([[[1, 0, 0, 0, 1], [0, 0, 0, 0, 0]]], dtype=torch.bool)
    assert nearest_learned(learned).tolist() == [0, 0, 0, 4, 4, 0, 0, 0, 4, 4]
    network = L3(patch=1, levels=2, contrasts=0, outputs=1)
    network.level_cuts.copy_(torch.tensor([0.3, 0.6]))
    network.kernels.copy_(torch.tensor([[0.1, 0], [0.9, 0], [0.5, 0]])[..., None])
    network.learned.copy_(torch.tensor([1.0, 0, 0]))
    assert float((network(torch.rand(1, 1, 8, 8)) - 0.1).abs().max()) < 1e-6
    network.learned.copy_(torch.tensor([0.0, 0, 1]))
    assert float((network(torch.rand(1, 1, 8, 8)) - 0.5).abs().max()) < 1e-6


def test_a_short_side_repeats_its_edge_and_a_long_one_is_mirrored() -> None:
    padded = pad_around(torch.tensor([[[[1.0, 2, 3, 4]]]]), 2)
    assert padded.shape == (1, 1, 5, 8)
    assert padded[0, 0].tolist() == [[3, 2, 1, 2, 3, 4, 3, 2]] * 5


def test_strips_cover_all_rows_once() -> None:
    cut = list(strips(1000, 4000))
    assert cut[0][0] == 0
    assert cut[-1][1] == 1000
    assert all(before[1] == after[0] for before, after in pairwise(cut))
    assert max(stop - start for start, stop in cut) * 4000 <= l3.STRIP


@pytest.mark.parametrize("config", [{}, {"levels": 0, "contrasts": 0}, {"saturation": True}])
def test_its_configuration_builds_it_again(config: dict[str, int]) -> None:
    network = L3(**config)
    with torch.device("meta"):
        again = L3(**network.config)
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    assert {name: tensor.shape for name, tensor in again.state_dict().items()} == shapes
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}
    assert set(shapes) == {"level_cuts", "contrast_cuts", "kernels", "learned"}
    assert not list(network.parameters())


@pytest.mark.parametrize(
    "config",
    [
        {"inputs": 0},
        {"inputs": 1024},
        {"outputs": 0},
        {"patch": 4},
        {"patch": 33},
        {"levels": -1},
        {"contrasts": -1},
        {"levels": 1024, "contrasts": 1024},
    ],
)
def test_impossible_tables_are_refused(config: dict[str, int]) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=r"must be|classes"):
        L3(**config)
