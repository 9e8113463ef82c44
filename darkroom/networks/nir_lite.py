"""The default network for near-infrared pictures: eyes that know things, and straight lines.

What colour a grey value stands for is decided by what it is part of: sky, foliage, a wall. So the
network sees the picture shrunk to the `working_side` of its card, whole, with the features of an
`EfficientNetLite` that has learned from photographs what things look like. At the bottom the mean
over the picture scales and shifts every feature (after Perez et al. 2018, "FiLM: Visual Reasoning
with a General Conditioning Layer"). Upwards it is a U-Net that enlarges smoothly, because
transposed convolutions left a grid in clear skies, and it answers with straight lines, as `NirUNet`
does: slope and offset from near-infrared to each colour, coarse.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.efficientnet_lite import MULTIPLE_OF, EfficientNetLite
from darkroom.networks.fast_unet import starts_at_zero
from darkroom.networks.nir_unet import FINER, Refinement, along_lines, in_context
from darkroom.networks.padding import pad_to_multiple

WIDTHS = (48, 80, 128, 192)  # of the way up: at 1/4, 1/8, 1/16 and 1/32 of the size
STEP = 4  # pixels of the picture to one of the finest level


class NirLite(nn.Module):
    """Near-infrared light (N, 1, h, w) in, a picture (N, 3, h, w) out, both as coded.

    Args:
        variant: of the `EfficientNetLite` on the way down.
        dropout: per cent of the bottom's channels left out in training.
    """

    def __init__(self, variant: int = 0, *, dropout: int = 20) -> None:
        super().__init__()
        self.multiple_of = MULTIPLE_OF
        self.halo = 0  # its mean over the picture reaches everywhere: it is never cut into tiles
        self.bytes_per_pixel = 256  # measured, and a tenth more
        self.encoder = EfficientNetLite(variant)
        pairs = zip(self.encoder.widths[1:], WIDTHS, strict=True)
        self.lateral = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.entry = nn.Conv2d(STEP**2, WIDTHS[0], 3, padding=1)
        self.summary = nn.Linear(WIDTHS[-1], WIDTHS[-1])
        self.context = starts_at_zero(nn.Linear(WIDTHS[-1], 2 * WIDTHS[-1]))
        self.dropout = nn.Dropout2d(dropout / 100)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(WIDTHS))
        self.decoder = nn.ModuleList(Refinement(wide) for wide in WIDTHS)
        self.head = starts_at_zero(nn.Conv2d(WIDTHS[0], 6 * FINER**2, 3, padding=1))

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Colour a picture whose values are 0..1; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        padded = pad_to_multiple(planes, self.multiple_of)
        return along_lines(self.head, self.ascend(padded), padded)[..., :rows, :columns]

    def ascend(self, grey: Tensor) -> Tensor:
        """Walk down, look at the whole, and walk up again: (N, WIDTHS[0], h / STEP, w / STEP)."""
        features = self.encoder(grey)[1:]
        skips = [join(level) for join, level in zip(self.lateral, features, strict=True)]
        skips[0] = skips[0] + self.entry(F.pixel_unshuffle(2 * grey - 1, STEP))
        x: Tensor = self.decoder[-1](skips[-1])
        x = self.dropout(in_context(x, self.summary, self.context))
        for level in reversed(range(len(self.up))):
            larger = F.interpolate(self.up[level](x), scale_factor=2, mode="bilinear")
            x = self.decoder[level](larger + skips[level])
        return x
