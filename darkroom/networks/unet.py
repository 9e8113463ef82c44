"""The U-Net of "Learning to See in the Dark" (Chen et al., CVPR 2018), exactly, and a deeper one.

Five levels of 32 to 512 channels, two 3x3 convolutions a level, 2x2 max-pooling, 2x2 transposed
convolutions, a 1x1 convolution to 12 channels and a pixel shuffle: four packed Bayer planes in,
one sRGB picture of twice the size out. 7,760,268 parameters without the bias of the transposed
convolutions, as the authors published it; most PyTorch ports have that bias (7,760,748).
"""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.padding import pad_to_multiple

LEAK = 0.2
MOST_LEVELS = 7  # their multiple of 64 packed pixels is the most that memory is planned for


class DoubleConvolution(nn.Module):
    """Two 3x3 convolutions, each followed by a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        return F.leaky_relu(self.second(F.leaky_relu(self.first(x), LEAK)), LEAK)


class UNet(nn.Module):
    """The SID U-Net: packed planes (N, 4, h, w) in, picture (N, 3, 2h, 2w) out.

    Args:
        width: channels of the first level; each of the `levels` below doubles them.
        levels: number of levels, the bottom one included; 1 to 7.
        upsampling_bias: whether the transposed convolutions have a bias.
        widest: most channels of a level; None lets every level double them.
        root: whether the head gives the square root of light, as for linear camera RGB. Without
            it the head gives the picture itself, as SID does for sRGB.

    Raises:
        ValueError: there are no or too many levels.
    """

    def __init__(
        self,
        width: int = 32,
        levels: int = 5,
        *,
        upsampling_bias: bool = False,
        widest: int | None = None,
        root: bool = False,
    ) -> None:
        super().__init__()
        widths = widths_of(width, levels, widest)
        self.root = root
        self.multiple_of = 1 << (levels - 1)
        self.halo = halo(levels)
        self.bytes_per_pixel = 28 * width
        self.encoder = nn.ModuleList(map(DoubleConvolution, [4, *widths], widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, above, 2, stride=2, bias=upsampling_bias)
            for above, below in reversed(list(pairwise(widths)))
        )
        self.decoder = nn.ModuleList(DoubleConvolution(2 * w, w) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(widths[0], 12, 1)

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Turn amplified planes into a picture; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        skips = self.descend(pad_to_multiple(planes, self.multiple_of))
        picture = F.pixel_shuffle(in_single_precision(self.head, top(self.ascend(skips))), 2)
        return light(picture, root=self.root)[..., : 2 * rows, : 2 * columns]

    def descend(self, x: Tensor) -> list[Tensor]:
        """Walk down from planes whose sizes divide by `multiple_of`; return every level, top first.

        Level k is (N, width * 2**k, h / 2**k, w / 2**k).
        """
        skips: list[Tensor] = []
        for level, convolutions in enumerate(self.encoder):
            x = convolutions(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        return skips

    def ascend(self, skips: list[Tensor]) -> Iterator[Tensor]:
        """Walk up, yielding every level's features, bottom first; `skips` is used up."""
        x = skips.pop()
        yield x
        for up, convolutions in zip(self.up, self.decoder, strict=True):
            x = convolutions(torch.cat([up(x), skips.pop()], 1))
            yield x


class DeepUNet(UNet):
    """A U-Net with a level more than SID's, two more with `levels=7`; else it is `UNet`.

    Channels stop doubling at `widest`: six levels have 20.6 million parameters and seven 33.5,
    where doubling would give 31.1 and 124.4, nearly all of them in levels of a few pixels a patch.
    So seven levels stay trainable.
    """

    def __init__(
        self, width: int = 32, levels: int = 6, *, widest: int = 512, root: bool = False
    ) -> None:
        super().__init__(width, levels, widest=widest, root=root)


def top(levels: Iterator[Tensor]) -> Tensor:
    """Return the last of the features on a way up, without holding on to the others."""
    (features,) = deque(levels, maxlen=1)
    return features


def in_single_precision(head: nn.Conv2d, features: Tensor) -> Tensor:
    """Apply the last convolution in float32 under autocast too: bfloat16 would posterise."""
    with torch.autocast(features.device.type, enabled=False):
        result: Tensor = head(features.float())
    return result


def light(picture: Tensor, *, root: bool) -> Tensor:
    """Square the picture of a head that gives roots, keeping signs; else return it as it is."""
    return picture * picture.abs() if root else picture


def widths_of(width: int, levels: int, widest: int | None = None) -> list[int]:
    """Return the channels of each level, top first.

    >>> widths_of(32, 7, 512)
    [32, 64, 128, 256, 512, 512, 512]
    """
    if not 1 <= levels <= MOST_LEVELS:
        raise ValueError(f"levels must be 1 to {MOST_LEVELS}, not {levels}")
    widths = [width << level for level in range(levels)]
    return widths if widest is None else [min(wide, widest) for wide in widths]


def reach(levels: int) -> int:
    """Return how far, in packed pixels, one output pixel can look.

    Each level reaches two convolutions of its own pixel size on the way down and, but for the
    bottom one, two on the way up; pooling and upsampling add up to one pixel of the bottom level.

    >>> reach(5)
    107
    """
    bottom = 1 << (levels - 1)
    return sum(4 << level for level in range(levels - 1)) + 2 * bottom + (bottom - 1)


def aligned(distance: int, multiple: int) -> int:
    """Round up to a multiple.

    >>> aligned(107, 16)
    112
    """
    return -(-distance // multiple) * multiple


def halo(levels: int) -> int:
    """Return the reach of a U-Net, rounded up to the alignment of its tiles.

    >>> halo(5)
    112
    """
    return aligned(reach(levels), 1 << (levels - 1))
