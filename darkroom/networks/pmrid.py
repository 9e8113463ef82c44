"""PMRID: a small denoiser of RAW frames, "Practical Deep Raw Image Denoising on Mobile Devices".

Wang et al., ECCV 2020. A U-Net of separable convolutions with about a million weights. What makes
it fit any camera is its k-sigma transform (section 3.2): with variance = k*x + sigma2 in counts,

    f(x) = (x / k + sigma2 / k**2 - sigma2_a / k_a**2) * k_a

has the noise of one certain camera at one certain ISO (the anchor a), whatever k and sigma2 are.
Here k and sigma2 come from the noise level that every network is told, for each plane its own,
so white balance and amplification change nothing. The inverse is exact.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.mosaic import row_by_row
from darkroom.networks.padding import pad_to_multiple
from darkroom.networks.unet import aligned, in_single_precision

# The authors' phone at ISO 1600, counts from black to white, and the scale their network sees.
ANCHOR_K = 0.0005995267 * 1600 + 0.00868861
ANCHOR_SIGMA2 = 7.11772e-7 * 1600**2 + 6.514934e-4 * 1600 + 0.11492713
COUNTS = 959.0
SCALE = 256.0
LEAST_SHOT = 1e-6  # of a frame with less noise the transform would make numbers beyond all measure
MOST_OFFSET = 1e4  # likewise of sigma2 / k**2: read noise alone has no finite transform

Affine = tuple[Tensor, Tensor]


def k_sigma(noise: Tensor) -> Affine:
    """Return gain and offset, (N, 4, 1, 1) each, of the transform of planes with this noise.

    Args:
        noise: (N, 8) shot terms of R G B G2, then read terms, of `variance = shot*x + read`, with
            black at 0 and white at 1.
    """
    shot, read = noise.float().clamp(min=0).chunk(2, 1)
    shot = torch.maximum(shot, (read / MOST_OFFSET).sqrt()).clamp(min=LEAST_SHOT)
    gain = ANCHOR_K / (shot * COUNTS)
    offset = (read / shot**2 - ANCHOR_SIGMA2 / ANCHOR_K**2) * ANCHOR_K / COUNTS
    return (SCALE * gain)[..., None, None], (SCALE * offset)[..., None, None]


class Separable(nn.Sequential):
    """A convolution of each channel for itself, then one that mixes them."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(
                inputs, inputs, kernel, stride, padding=kernel // 2, groups=inputs, bias=False
            ),
            nn.Conv2d(inputs, outputs, 1),
        )


class Encoding(nn.Module):
    """Two separable 5x5 convolutions around a shortcut, which may halve the size."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.first = Separable(inputs, outputs // 4, 5, stride=stride)
        self.second = Separable(outputs // 4, outputs, 5)
        changes = stride > 1 or inputs != outputs
        self.shortcut = Separable(inputs, outputs, 3, stride=stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        return F.relu(self.shortcut(x) + self.second(F.relu(self.first(x))))


class Decoding(nn.Module):
    """Two separable 3x3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = Separable(width, width, 3)
        self.second = Separable(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Refine (N, width, h, w)."""
        refined: Tensor = x + self.second(F.relu(self.first(x)))
        return refined


class Rising(nn.Module):
    """Refine, double the size, and add what skipped the levels below."""

    def __init__(self, inputs: int, skipped: int, outputs: int) -> None:
        super().__init__()
        self.refine = Decoding(inputs)
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.skip = Separable(skipped, outputs, 3)

    def forward(self, x: Tensor, skipped: Tensor) -> Tensor:
        """Map (N, inputs, h, w) and (N, skipped, 2h, 2w) to (N, outputs, 2h, 2w)."""
        risen: Tensor = self.up(self.refine(x)) + F.relu(self.skip(skipped))
        return risen


class PMRID(nn.Module):
    """Noisy planes (N, 4, h, w) and noise (N, 8) in, the clean mosaic (N, 1, 2h, 2w) out.

    Args:
        width: channels at packed resolution; the four levels below have 4, 8, 16 and 32 times it.
        blocks: number of blocks of each level on the way down.

    Raises:
        ValueError: there are not four levels of at least one block each.
    """

    def __init__(self, width: int = 16, blocks: tuple[int, ...] = (2, 2, 4, 4)) -> None:
        super().__init__()
        if len(blocks) != 4 or min(blocks) < 1:
            raise ValueError(f"blocks must be four numbers of at least 1, not {blocks}")
        widths = [width, *(width * many for many in (4, 8, 16, 32))]
        rises = [width * many for many in (4, 4, 2, 2, 1)]
        self.multiple_of = 16
        self.halo = halo(tuple(blocks))
        self.bytes_per_pixel = 40 * width + 100  # measured, and a tenth more
        self.entry = nn.Conv2d(4, width, 3, padding=1)
        self.encoder = nn.ModuleList(
            stage(inputs, outputs, count)
            for (inputs, outputs), count in zip(pairwise(widths), blocks, strict=True)
        )
        self.bottom = Separable(widths[-1], rises[0], 3)
        self.decoder = nn.ModuleList(
            Rising(inputs, skipped, outputs)
            for (inputs, outputs), skipped in zip(
                pairwise(rises), reversed(widths[:-1]), strict=True
            )
        )
        self.last = Decoding(width)
        self.head = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        """Denoise amplified planes of a known noise level."""
        rows, columns = planes.shape[-2:]
        gain, offset = k_sigma(noise)
        padded = pad_to_multiple(planes.float(), self.multiple_of)
        alike = row_by_row(padded * gain + offset)
        clean = alike + in_single_precision(self.head, self.body(alike))
        mosaic = F.pixel_shuffle((clean - row_by_row(offset)) / row_by_row(gain), 2)
        return mosaic[..., : 2 * rows, : 2 * columns]

    def body(self, x: Tensor) -> Tensor:
        """Return the features (N, width, h, w) of planes R, G, G2, B of the anchor's noise."""
        x = F.relu(self.entry(x))
        skips: list[Tensor] = []
        for blocks in self.encoder:
            skips.append(x)
            x = blocks(x)
        x = F.relu(self.bottom(x))
        for rise in self.decoder:
            x = rise(x, skips.pop())
        refined: Tensor = self.last(x)
        return refined


def stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    """Chain the blocks of a level; the first one halves the size."""
    rest = [Encoding(outputs, outputs, stride=1) for _ in range(blocks - 1)]
    return nn.Sequential(Encoding(inputs, outputs, stride=2), *rest)


def halo(blocks: tuple[int, ...]) -> int:
    """Return how far, in packed pixels, one output pixel can look, rounded up to the alignment.

    A block reaches two pixels of what it takes and two of what it gives; level k's pixel is 2**k
    packed ones. The way up reaches two pixels of each level, walking down and up one of the bottom.

    >>> halo((2, 2, 4, 4))
    512
    """
    sizes = [1 << level for level in range(len(blocks) + 1)]
    down = sum(
        2 * above + 2 * below + 4 * below * (count - 1)
        for (above, below), count in zip(pairwise(sizes), blocks, strict=True)
    )
    bottom = sizes[-1]
    up = bottom + sum(2 * size for size in sizes)
    return aligned(2 + down + up + (bottom - 1), bottom)
