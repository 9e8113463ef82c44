"""Two U-Nets in a row, with skips across.

After the U-UNet of Dhiman 2024, "Enhancing Underexposed Images Using U-Net and Deep Learning
Technique", section 7.2. The second network is fed with what the first one gives, to mend its
colours. Each of its levels on the way down also receives what the first one had at that level on
its way up, concatenated, as a U-Net's own skips are.

What the paper leaves open: the second network takes the first one's picture in the form of its
head, 12 packed planes and, with `root`, the square root of light; its bottom level receives
nothing across, for a U-Net's way up begins above it; it sees the RAW planes through the first
one's features only.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.padding import pad_to_multiple
from darkroom.networks.unet import (
    DoubleConvolution,
    UNet,
    in_single_precision,
    light,
    top,
    widths_of,
)


class DoubleUNet(nn.Module):
    """Packed planes (N, 4, h, w) in, picture (N, 3, 2h, 2w) out.

    `first` has the weights of a `UNet` of this width and these levels, under the same names, so
    that it can start from a trained one. Its picture is not judged: whoever trains both from
    nothing gets a deeper network, not a draft and its correction.

    Args:
        width: channels of the first level of both; each of the `levels` below doubles them.
        levels: number of levels, the bottom one included; 1 to 7.
        root: whether the heads give the square root of light; see `UNet`.

    Raises:
        ValueError: there are no or too many levels.
    """

    def __init__(self, width: int = 32, levels: int = 5, *, root: bool = False) -> None:
        super().__init__()
        self.root = root
        self.first = UNet(width, levels)
        self.second = UNet(width, levels)
        self.second.encoder = encoder_beside(widths_of(width, levels))
        self.multiple_of = self.first.multiple_of
        self.halo = self.first.halo + self.second.halo
        self.bytes_per_pixel = (
            32 * width + 96
        )  # the first one's lower levels wait; the draft, twice

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Turn amplified planes into a picture; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        skips = self.first.descend(pad_to_multiple(planes, self.multiple_of))
        risen = list(self.first.ascend(skips))
        draft = in_single_precision(self.first.head, risen[-1])
        del risen[0]  # the bottom
        skips = descend_beside(self.second.encoder, draft, risen)
        features = top(self.second.ascend(skips))
        picture = F.pixel_shuffle(in_single_precision(self.second.head, features), 2)
        return light(picture, root=self.root)[..., : 2 * rows, : 2 * columns]


def encoder_beside(widths: list[int]) -> nn.ModuleList:
    """Return an encoder for 12 planes whose levels, but for the bottom, take features beside."""
    above, beside = [12, *widths], [*widths[:-1], 0]
    inputs = [sum(both) for both in zip(above, beside, strict=False)]
    return nn.ModuleList(map(DoubleConvolution, inputs, widths))


def descend_beside(encoder: nn.ModuleList, x: Tensor, risen: list[Tensor]) -> list[Tensor]:
    """Walk down as `UNet.descend` does, taking in another network's features at each level.

    Args:
        encoder: the convolutions of each level, top first.
        x: (N, 12, h, w), the other network's result.
        risen: its features on the way up, top last; used up.
    """
    skips: list[Tensor] = []
    for level, convolutions in enumerate(encoder):
        entering = [F.max_pool2d(x, 2) if level else x]
        entering += [risen.pop()] if risen else []
        x = convolutions(torch.cat(entering, 1))
        skips.append(x)
    return skips
