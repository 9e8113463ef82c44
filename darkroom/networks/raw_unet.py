"""The SID U-Net as a denoiser: planes in, planes out, with no picture made of them.

Wei et al. 2020 ("A Physics-based Noise Formation Model for Extreme Low-light Raw Denoising", ELD)
gave the U-Net of Chen et al. 2018 four channels at its end. The works that followed kept that.
"""

from torch import Tensor, nn

from darkroom.networks.mosaic import as_mosaic
from darkroom.networks.padding import pad_to_multiple
from darkroom.networks.unet import UNet, in_single_precision, top


class RawUNet(UNet):
    """Noisy planes (N, 4, h, w) in, the clean mosaic (N, 1, 2h, 2w) out; arguments as `UNet`'s."""

    def __init__(self, width: int = 32, levels: int = 5, *, upsampling_bias: bool = False) -> None:
        super().__init__(width, levels, upsampling_bias=upsampling_bias)
        self.head = nn.Conv2d(width, 4, 1)

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Denoise amplified planes; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        skips = self.descend(pad_to_multiple(planes, self.multiple_of))
        clean = in_single_precision(self.head, top(self.ascend(skips)))
        return as_mosaic(clean)[..., : 2 * rows, : 2 * columns]
