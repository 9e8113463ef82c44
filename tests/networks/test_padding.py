import torch

from darkroom.networks.padding import pad_to_multiple


def test_mirrors_without_repeating_the_edge() -> None:
    row = torch.arange(3.0).reshape(1, 1, 1, 3).expand(1, 1, 3, 3)
    assert pad_to_multiple(row, 5)[0, 0, 0].tolist() == [0, 1, 2, 1, 0]


def test_repeats_the_edge_of_a_picture_too_small_to_mirror() -> None:
    assert pad_to_multiple(torch.full((1, 1, 1, 1), 7.0), 4).tolist() == [[[[7.0] * 4] * 4]]


def test_leaves_fitting_sizes_alone() -> None:
    planes = torch.rand(1, 4, 8, 16)
    assert pad_to_multiple(planes, 8) is planes
