"""A U-Net whose skips pass attention gates.

After Oktay et al. 2018, "Attention U-Net: Learning Where to Look for the Pancreas" (arXiv
1804.03999). A gate weighs every pixel x_i of a skip by a number alpha_i between 0 and 1. It finds
it from the skip and from the gating signal g_i, the features of the next coarser level on the way
up (the paper's equations 1 and 2, additive attention on a grid):

    q_i = psi^T relu(W_x^T x_i + W_g^T g_i + b_g) + b_psi
    alpha_i = sigmoid(q_i)

Like the paper, alpha is computed on the coarser grid and interpolated linearly to the skip's, and
all else is a convolution; nothing averages over the picture, so tiles stay exact.

What differs: the paper leaves the first skip alone, which knows too little to find an organ. Here
that skip is the one that brings the noise to the head, so it has a gate like the others. A
transform of what is weighed and a batch normalisation, which the authors' code adds behind a
gate, are left out: the convolutions that follow do the first, tiles forbid the second.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.unet import UNet, aligned, reach, widths_of


class AttentionGate(nn.Module):
    """Weigh a skip (N, skip, h, w) by what the coarser level (N, gating, h/2, w/2) knows.

    Args:
        skip: channels of the skip; the gate compares half as many numbers.
        gating: channels of the coarser level.
    """

    def __init__(self, skip: int, gating: int) -> None:
        super().__init__()
        inner = max(1, skip // 2)
        self.skip = nn.Conv2d(skip, inner, 2, stride=2, bias=False)  # W_x, to the coarser grid
        self.gating = nn.Conv2d(gating, inner, 1)  # W_g and b_g
        self.score = nn.Conv2d(inner, 1, 1)  # psi and b_psi

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Return the weighed skip."""
        return skip * self.weights(skip, gating)

    def weights(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Return alpha (N, 1, h, w), between 0 and 1."""
        alpha = torch.sigmoid(self.score(F.relu(self.skip(skip) + self.gating(gating))))
        return F.interpolate(alpha, scale_factor=2, mode="bilinear")


class AttentionUNet(UNet):
    """Packed planes (N, 4, h, w) in, picture (N, 3, 2h, 2w) out; all but `gates` is `UNet`.

    Args:
        width: channels of the first level; each of the `levels` below doubles them.
        levels: number of levels, the bottom one included; 1 to 7.
        root: whether the head gives the square root of light; see `UNet`.

    Raises:
        ValueError: there are no or too many levels.
    """

    def __init__(self, width: int = 32, levels: int = 5, *, root: bool = False) -> None:
        super().__init__(width, levels, root=root)
        self.halo = halo(levels)
        self.gates = nn.ModuleList(
            AttentionGate(above, below)
            for above, below in reversed(list(pairwise(widths_of(width, levels))))
        )

    def ascend(self, skips: list[Tensor]) -> Iterator[Tensor]:
        """Walk up as `UNet.ascend` does, each skip through its gate."""
        x = skips.pop()
        yield x
        for up, gate, convolutions in zip(self.up, self.gates, self.decoder, strict=True):
            x = convolutions(torch.cat([up(x), gate(skips.pop(), x)], 1))
            yield x


def halo(levels: int) -> int:
    """Return how far, in packed pixels, one output pixel can look, rounded up to the alignment.

    Interpolating a gate's weights reaches one pixel of the coarser level further, at each gate.

    >>> halo(5)
    144
    """
    gates = sum(2 << level for level in range(levels - 1))
    return aligned(reach(levels) + gates, 1 << (levels - 1))
