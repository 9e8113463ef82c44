"""The U-Net of "Learning to See in the Dark" (Chen et al., CVPR 2018), exactly.

Five levels of 32 to 512 channels, two 3x3 convolutions a level, 2x2 max-pooling, 2x2 transposed
convolutions, a 1x1 convolution to 12 channels and a pixel shuffle: four packed Bayer planes in,
one sRGB picture of twice the size out. 7,760,268 parameters without the bias of the transposed
convolutions, as the authors published it; most PyTorch ports have that bias (7,760,748).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.padding import pad_to_multiple

LEAK = 0.2


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
        levels: number of levels, the bottom one included.
        upsampling_bias: whether the transposed convolutions have a bias.
    """

    def __init__(self, width: int = 32, levels: int = 5, *, upsampling_bias: bool = False) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.multiple_of = 1 << (levels - 1)
        self.halo = halo(levels)
        self.bytes_per_pixel = 28 * width
        self.encoder = nn.ModuleList(
            DoubleConvolution(above, below)
            for above, below in zip([4, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * wide, wide, 2, stride=2, bias=upsampling_bias)
            for wide in reversed(widths[:-1])
        )
        self.decoder = nn.ModuleList(DoubleConvolution(2 * w, w) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, 12, 1)

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Turn amplified planes into a picture; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        x = pad_to_multiple(planes, self.multiple_of)
        skips: list[Tensor] = []
        for level, convolutions in enumerate(self.encoder):
            x = convolutions(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()
        for up, convolutions in zip(self.up, self.decoder, strict=True):
            x = convolutions(torch.cat([up(x), skips.pop()], 1))
        with torch.autocast(x.device.type, enabled=False):  # a bfloat16 head would posterise
            picture = F.pixel_shuffle(self.head(x.float()), 2)
        return picture[..., : 2 * rows, : 2 * columns]


def halo(levels: int) -> int:
    """Return how far, in packed pixels, one output pixel can look, rounded up to the alignment.

    Each level reaches two convolutions of its own pixel size on the way down and, but for the
    bottom one, two on the way up; pooling and upsampling add up to one pixel of the bottom level.

    >>> halo(5)
    112
    """
    multiple = 1 << (levels - 1)
    reach = sum(4 << level for level in range(levels - 1)) + 2 * multiple + (multiple - 1)
    return -(-reach // multiple) * multiple
