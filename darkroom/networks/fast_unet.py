"""The default network: a U-Net for white-balanced camera RGB that is told the noise level.

Dense 3x3 convolutions with 32 or more channels run at a CPU's full rate, everything else does
not; so the body starts with a pixel unshuffle and works at half the packed resolution, and only a
light branch at packed resolution keeps the fine detail.

Signals enter after a variance-stabilising transform (Anscombe 1948 for Poisson, Starck & Murtagh
for Poisson-Gaussian noise): with variance = shot * x + read,

    f(x) = sqrt(x + read/shot + 3/8 shot) - sqrt(read/shot + 3/8 shot)

has a noise of nearly constant deviation sqrt(shot)/2 whatever the signal, black stays at 0, and a
square root is close to how a display codes brightness. So one set of weights meets the same
statistics for every camera, ISO and ratio. The two numbers that remain (that deviation and the
offset) and their logarithms are told: as a bias of the first convolutions, as a scale and a bias of
what skips a level, and as a gate on the noisy pixels that reach the last layers. The output is the
square root of linear light.
"""

from itertools import pairwise
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.padding import pad_to_multiple

BRIGHTEST = 8.0  # linear signals above this are clipped: three stops over white
LEVEL = 16  # numbers that tell the network how noisy a frame is
SHOT_FLOOR = 1e-8  # keeps the transform finite for a noise-free picture

Scale = TypeVar("Scale", nn.Linear, nn.Conv2d)


def stabilise(planes: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Transform planes (N, 4, h, w) to constant noise; return them and the noise's description.

    Args:
        planes: amplified, white-balanced linear planes.
        noise: (N, 8) shot terms of R G B G2, then read terms, of `variance = shot*x + read`.

    Returns:
        The transformed planes and (N, 16): deviation and offset of each plane, and the logarithms
        of both, so that small differences between clean pictures are told as well.
    """
    shot, read = noise.float().clamp(min=0).chunk(2, 1)
    shot = torch.maximum(shot, read).clamp(min=SHOT_FLOOR)  # offset > 1 would flatten it all
    offset = (read / shot + 0.375 * shot).sqrt()
    signal = planes.float().clamp(max=BRIGHTEST) + (offset**2)[..., None, None]
    stable = F.relu(signal).sqrt() - offset[..., None, None]
    level = torch.cat([shot.sqrt() / 2, offset], 1)
    return stable, torch.cat([level, (level.log() + 4) / 2], 1)


def starts_at_zero(layer: Scale) -> Scale:
    """Make a layer that changes nothing until it has learned to."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Refine (N, width, h, w)."""
        refined: Tensor = x + self.second(F.relu(self.first(x)))
        return refined


def residuals(width: int, count: int) -> nn.Sequential:
    """Chain `count` residual blocks."""
    return nn.Sequential(*[Residual(width) for _ in range(count)])


class FastUNet(nn.Module):
    """Packed planes (N, 4, h, w) and noise (N, 8) in, linear camera RGB (N, 3, 2h, 2w) out.

    Args:
        width: channels at half the packed resolution; doubled at each of the levels below.
        blocks: residual blocks on the way down (and again up) at each level above the bottom.
        bottom: residual blocks at the bottom level.
        detail: channels of the branch at packed resolution.
    """

    def __init__(
        self,
        width: int = 32,
        blocks: tuple[int, ...] = (1, 1, 2),
        bottom: int = 2,
        detail: int = 32,
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(len(blocks) + 1)]
        pairs = list(pairwise(widths))
        self.multiple_of = 1 << (len(blocks) + 1)
        self.halo = halo(tuple(blocks), bottom)
        self.bytes_per_pixel = 9 * detail + 4 * width + 80  # measured, and a tenth more
        self.entry = nn.Conv2d(16, width, 3, padding=1)
        self.entry_noise = nn.Linear(LEVEL, width)
        self.encoder = nn.ModuleList(map(residuals, widths, blocks))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.bottom = residuals(widths[-1], bottom)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.told = nn.ModuleList(starts_at_zero(nn.Linear(LEVEL, 2 * w)) for w in widths[:-1])
        self.decoder = nn.ModuleList(map(residuals, widths, blocks))
        self.rise = nn.Conv2d(width, 64, 3, padding=1)
        self.detail = nn.Conv2d(16 + 4, detail, 3, padding=1)
        self.detail_noise = nn.Linear(LEVEL, detail)
        self.detail_gate = starts_at_zero(nn.Linear(LEVEL, 4))
        self.head = nn.Conv2d(detail, 12, 3, padding=1)

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        """Turn amplified, white-balanced planes and their noise level into a linear picture."""
        rows, columns = planes.shape[-2:]
        stable, level = stabilise(pad_to_multiple(planes, self.multiple_of), noise)
        risen = F.pixel_shuffle(F.relu(self.rise(self.body(stable, level))), 2)
        gate = 2 * torch.sigmoid(self.detail_gate(level))[..., None, None]
        fine = self.detail(torch.cat([risen, (stable * gate).to(risen.dtype)], 1))
        fine = F.relu(fine + self.detail_noise(level)[..., None, None])
        with torch.autocast(fine.device.type, enabled=False):  # a bfloat16 head would posterise
            root = F.pixel_shuffle(self.head(fine.float()), 2)
        linear: Tensor = root * root.abs()
        return linear[..., : 2 * rows, : 2 * columns]

    def body(self, stable: Tensor, level: Tensor) -> Tensor:
        """Run the U-Net at half the packed resolution: (N, 4, h, w) -> (N, width, h/2, w/2)."""
        x: Tensor = (
            self.entry(F.pixel_unshuffle(stable, 2)) + self.entry_noise(level)[..., None, None]
        )
        skips: list[Tensor] = []
        for refine, down in zip(self.encoder, self.down, strict=True):
            x = refine(x)
            skips.append(x)
            x = down(x)
        x = self.bottom(x)
        for level_up in reversed(range(len(self.up))):
            scale, shift = self.told[level_up](level)[..., None, None].chunk(2, 1)
            skip = torch.addcmul(skips[level_up] + shift, skips[level_up], scale)
            x = self.decoder[level_up](self.up[level_up](x) + skip)
        return x


def halo(blocks: tuple[int, ...], bottom: int) -> int:
    """Return how far, in packed pixels, one output pixel can look, rounded up to the alignment.

    A residual block reaches two of its level's pixels; level k's pixel is 2**(k+1) packed ones.

    >>> halo((1, 1, 2), 2)
    176
    """
    sizes = [1 << (level + 1) for level in range(len(blocks) + 1)]
    multiple = sizes[-1]
    reach = sum(2 * 2 * count * size for count, size in zip(blocks, sizes, strict=False))
    reach += 2 * bottom * multiple + 2 * sizes[0]  # the bottom; entry and rise
    reach += 2 + (multiple - 1)  # detail and head; the walk down and up
    return -(-reach // multiple) * multiple
