"""A network for near-infrared pictures: a U-Net that looks at a whole small picture.

What colour a grey value stands for is decided by what it is part of: sky, foliage, a wall. So the
network sees the picture shrunk to the `working_side` of its card, whole, and at its bottom the mean
over the picture scales and shifts every feature (after Perez et al. 2018, "FiLM: Visual Reasoning
with a General Conditioning Layer"). It answers with straight lines, as a guided filter has them:
slope and offset from near-infrared to each colour, coarse and enlarged without a seam (after
Gharbi et al. 2017, "Deep Bilateral Learning for Real-Time Image Enhancement"). So colours are
smooth beside their edges, and the edges are the picture's own.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.fast_unet import starts_at_zero
from darkroom.networks.padding import pad_to_multiple
from darkroom.networks.unet import widths_of

FINER = 2  # lines to one pixel of the first level, in each direction


class Refinement(nn.Module):
    """Two 3x3 convolutions beside a shortcut that changes nothing, each behind a ReLU.

    After He et al. 2016, "Identity Mappings in Deep Residual Networks", without normalisation: a
    ReLU before the first convolution keeps high learning rates from running away.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = starts_at_zero(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Refine (N, width, h, w)."""
        refined: Tensor = x + self.second(F.relu(self.first(F.relu(x))))
        return refined


def in_context(x: Tensor, summary: nn.Linear, context: nn.Linear) -> Tensor:
    """Scale and shift features (N, C, h, w) as their means over the picture, (N, C), ask for."""
    seen: Tensor = context(F.relu(summary(x.mean((2, 3)))))
    scale, shift = seen[..., None, None].chunk(2, 1)
    return torch.addcmul(x + shift, x, scale)


def along_lines(head: nn.Conv2d, x: Tensor, planes: Tensor) -> Tensor:
    """Return the picture (N, C, h, w) that lines make of planes (N, inputs, h, w).

    Args:
        head: gives slopes and offsets, `FINER` times as fine as what it reads.
        x: the features it reads.
        planes: whose mean is what the lines start from.
    """
    with torch.autocast(x.device.type, enabled=False):  # a bfloat16 head would posterise
        lines = F.pixel_shuffle(head(F.relu(x).float()), FINER)
        lines = F.interpolate(lines, size=planes.shape[-2:], mode="bilinear")
    slope, offset = lines.chunk(2, 1)
    grey = planes.float().mean(1, keepdim=True)
    return grey + slope * grey + offset


class NirUNet(nn.Module):
    """Near-infrared light (N, inputs, h, w) in, a picture (N, outputs, h, w) out, both as coded.

    Args:
        width: channels of the first level, at 1/`step` of the picture's size.
        levels: number of levels, the bottom one included; each halves the size.
        widest: most channels of a level.
        bottom: residual blocks at the bottom.
        step: pixels of the picture to one of the first level.
        dropout: per cent of the bottom's channels left out in training.
        inputs: 1 for near-infrared, 3 for the way back.
        outputs: 3, or 1 for the way back.
    """

    def __init__(
        self,
        width: int = 48,
        levels: int = 4,
        *,
        widest: int = 256,
        bottom: int = 2,
        step: int = 4,
        dropout: int = 20,
        inputs: int = 1,
        outputs: int = 3,
    ) -> None:
        super().__init__()
        widths = widths_of(width, levels, widest)
        pairs = list(pairwise(widths))
        self.step = step
        self.multiple_of = step << (levels - 1)
        self.halo = 0  # its mean over the picture reaches everywhere: it is never cut into tiles
        self.bytes_per_pixel = 8 * (inputs + outputs) + 64 * width // step**2 + 40
        self.entry = nn.Conv2d(inputs * step**2, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(Refinement(wide) for wide in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.bottom = nn.Sequential(*[Refinement(widths[-1]) for _ in range(bottom)])
        self.summary = nn.Linear(widths[-1], widths[-1])
        self.context = starts_at_zero(nn.Linear(widths[-1], 2 * widths[-1]))
        self.dropout = nn.Dropout2d(dropout / 100)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.decoder = nn.ModuleList(Refinement(wide) for wide in widths[:-1])
        self.head = starts_at_zero(nn.Conv2d(widths[0], 2 * outputs * FINER**2, 3, padding=1))

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Colour a picture whose values are 0..1; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        padded = pad_to_multiple(planes, self.multiple_of)
        x = self.entry(F.pixel_unshuffle(2 * padded - 1, self.step))
        x = self.ascend(*self.descend(x))
        return along_lines(self.head, x, padded)[..., :rows, :columns]

    def descend(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Walk down to the bottom; return its features and those of the levels above, top first."""
        skips: list[Tensor] = []
        for refine, down in zip(self.encoder, self.down, strict=True):
            skips.append(refine(x))
            x = down(skips[-1])
        x = self.bottom(x)
        return self.dropout(in_context(x, self.summary, self.context)), skips

    def ascend(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        """Walk up again: (N, width, h/step, w/step)."""
        for level in reversed(range(len(skips))):
            x = self.decoder[level](self.up[level](x) + skips[level])
        return x


class TripletUNet(nn.Module):
    """Three networks for near-infrared pictures, one for each of red, green and blue.

    After Suarez, Sappa, Vintimilla 2017, "Infrared Image Colorization Based on a Triplet DCGAN
    Architecture", whose generators share nothing; an adversary judges what they make together.

    Args:
        width: channels of the first level of each.
        levels: their levels.
        widest: most channels of a level.
        step: pixels of the picture to one of the first level.
        dropout: per cent of the bottom's channels left out in training.
    """

    def __init__(
        self,
        width: int = 32,
        levels: int = 4,
        *,
        widest: int = 128,
        step: int = 4,
        dropout: int = 20,
    ) -> None:
        super().__init__()
        self.channels = nn.ModuleList(
            NirUNet(width, levels, widest=widest, step=step, dropout=dropout, outputs=1)
            for _ in range(3)
        )
        first = self.channels[0]
        assert isinstance(first, NirUNet)
        self.multiple_of, self.halo = first.multiple_of, first.halo
        self.bytes_per_pixel = first.bytes_per_pixel + 24

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Colour a picture (N, 1, h, w) whose values are 0..1: (N, 3, h, w)."""
        return torch.cat([channel(planes) for channel in self.channels], 1)
