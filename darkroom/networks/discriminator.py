"""A discriminator that is a U-Net.

After Schoenfeld, Schiele & Khoreva, CVPR 2020, "A U-Net Based Discriminator for Generative
Adversarial Networks" (arXiv 2002.12655). An encoder judges the whole picture, a decoder with
skips judges every pixel (their section 3.1).
Residual blocks with average pooling on the way down and nearest-neighbour upsampling on the way
up, orthogonal weights at the start and spectral normalisation of every layer (Miyato et al. 2018)
are those of BigGAN's discriminator, on which theirs stands.

What differs: no class is asked for, no block attends to the whole picture, activations leak
(slope 0.2) so that a judge early in training still teaches, and the features are averaged instead
of summed before the global verdict, so that it does not grow with the picture.
"""

from itertools import pairwise
from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from darkroom.networks.unet import LEAK

WIDEST = 16  # times the first level's channels

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


def normalised(layer: Layer) -> Layer:
    """Bound a layer's weight matrix to a largest singular value of 1."""
    nn.init.orthogonal_(layer.weight)
    return cast("Layer", spectral_norm(layer))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut of 1x1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = normalised(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.second = normalised(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut = normalised(nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        refined = self.second(F.leaky_relu(self.first(F.leaky_relu(x, LEAK)), LEAK))
        result: Tensor = self.shortcut(x) + refined
        return result


class UNetDiscriminator(nn.Module):
    """Tell real display pictures from made ones, as a whole and pixel by pixel.

    Args:
        width: channels at the picture's size; each level below doubles them, up to 16 times.
        levels: how often the picture is halved.
    """

    def __init__(self, width: int = 32, levels: int = 4) -> None:
        super().__init__()
        widths = [width * min(1 << level, WIDEST) for level in range(levels + 1)]
        self.multiple_of = 1 << levels
        self.encoder = nn.ModuleList(map(Block, [3, *widths], widths))
        self.decoder = nn.ModuleList(
            Block(above + below, above) for above, below in reversed(list(pairwise(widths)))
        )
        self.whole = normalised(nn.Linear(widths[-1], 1))
        self.pixels = normalised(nn.Conv2d(width, 1, 1))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Judge pictures (N, 3, H, W), about 0 to 1, whose sizes divide by 2**levels.

        Returns:
            Logits, higher for what looks real: of each picture (N, 1), of each pixel (N, 1, H, W).

        Raises:
            ValueError: a size does not divide by 2**levels.
        """
        if any(side % self.multiple_of for side in pictures.shape[-2:]):
            raise ValueError(
                f"the sizes of {tuple(pictures.shape)} must be multiples of {self.multiple_of}"
            )
        x, skips = 2 * pictures - 1, []
        for level, block in enumerate(self.encoder):
            x = block(F.avg_pool2d(x, 2) if level else x)
            skips.append(x)
        bottom = skips.pop()
        for block in self.decoder:
            x = block(torch.cat([F.interpolate(x, scale_factor=2), skips.pop()], 1))
        return self.verdicts(bottom, x)

    def verdicts(self, bottom: Tensor, top: Tensor) -> tuple[Tensor, Tensor]:
        """Turn features into logits, in float32 under autocast too."""
        with torch.autocast(top.device.type, enabled=False):
            whole = self.whole(F.leaky_relu(bottom.float(), LEAK).mean((2, 3)))
            return whole, self.pixels(F.leaky_relu(top.float(), LEAK))
