import pytest
import torch

from darkroom.networks.efficientnet_lite import (
    MULTIPLE_OF,
    EfficientNetLite,
    InvertedResidual,
    SameConv,
    multiple_of_8,
)


def test_same_padding_is_that_of_tensorflow() -> None:
    ones = SameConv(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(ones.weight)
    row = torch.tensor([[1.0, 2, 3, 4]]).expand(4, 4)[None, None]
    assert ones(row)[0, 0, 0].tolist() == [18, 21]  # 3 * (1 + 2 + 3), 3 * (3 + 4): none on the left


@pytest.mark.parametrize(
    ("variant", "widths", "blocks"),
    [
        (0, (16, 24, 40, 112, 320), 16),
        (1, (16, 24, 40, 112, 320), 21),
        (2, (16, 24, 48, 120, 352), 21),
    ],
)
def test_variants_are_those_that_were_published(
    variant: int, widths: tuple[int, ...], blocks: int
) -> None:
    encoder = EfficientNetLite(variant)
    assert encoder.widths == widths
    assert sum(isinstance(module, InvertedResidual) for module in encoder.modules()) == blocks


def test_each_level_has_half_the_size() -> None:
    encoder = EfficientNetLite().eval()
    levels = encoder(torch.rand(2, 1, MULTIPLE_OF, 3 * MULTIPLE_OF))
    sides = [(16, 48), (8, 24), (4, 12), (2, 6), (1, 3)]
    shapes = [(2, wide, *side) for wide, side in zip(encoder.widths, sides, strict=True)]
    assert [tuple(level.shape) for level in levels] == shapes


def test_a_block_of_the_same_shape_has_a_shortcut() -> None:
    block = InvertedResidual(8, 8, kernel=3, stride=1, wider=6)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(1, 8, 4, 4)
    assert torch.equal(block(x), x)
    assert not InvertedResidual(8, 8, kernel=3, stride=2, wider=6).is_residual


def test_channels_are_multiples_of_8_and_not_much_fewer() -> None:
    assert [multiple_of_8(n) for n in (4, 17.6, 26.4, 44, 88, 123.2)] == [8, 16, 24, 48, 88, 120]
    assert multiple_of_8(11) == 16  # 8 would be less than nine tenths
