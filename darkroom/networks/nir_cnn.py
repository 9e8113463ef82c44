"""A plain convolutional network from near-infrared to colour, patch by patch.

After a student project that follows Limmer and Lensch 2016, "Infrared Colorization Using Deep
Convolutional Neural Networks": many convolutions and transposed convolutions, only two poolings,
batch normalisation and ReLU, about 2.4 million weights, learned from patches of 64 x 64 pixels by
stochastic gradient descent on the squared error. It sees no more than its reach, so that a picture
of any size can be cut into exact tiles.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.padding import pad_to_multiple
from darkroom.networks.unet import aligned

MULTIPLE = 4  # two poolings
# How far, in pixels, one output pixel can look, at most: two convolutions, three more and the head
# at full size, five at half size, two at a quarter, a transposed one from each of these, and what
# is left of the windows of the poolings.
REACH = 6 + 2 * 5 + 4 * 2 + (2 + 4) + 3


class NirCNN(nn.Module):
    """Near-infrared light (N, 1, h, w) in, a picture (N, 3, h, w) out, both as coded.

    Args:
        width: channels at full size; twice that and four times that below.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        low, middle, high = width, 2 * width, 4 * width
        self.multiple_of = MULTIPLE
        self.halo = aligned(REACH, MULTIPLE)
        self.bytes_per_pixel = 24 * width
        self.at_full = nn.Sequential(convolution(1, low), convolution(low, low))
        self.at_half = nn.Sequential(convolution(low, middle), *repeated(middle, 2))
        self.at_quarter = nn.Sequential(convolution(middle, high), convolution(high, high))
        self.to_half = nn.Sequential(enlargement(high, middle), *repeated(middle, 2))
        self.to_full = nn.Sequential(enlargement(middle, low), *repeated(low, 3))
        self.head = nn.Conv2d(low, 3, 3, padding=1)

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Colour a picture whose values are 0..1; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        x = self.at_full(pad_to_multiple(planes, self.multiple_of))
        x = self.at_half(F.max_pool2d(x, 2))
        x = self.at_quarter(F.max_pool2d(x, 2))
        x = self.to_full(self.to_half(x))
        with torch.autocast(x.device.type, enabled=False):  # a bfloat16 head would posterise
            picture: Tensor = self.head(x.float())
        return picture[..., :rows, :columns]


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 3x3 convolution, normalised, with its ReLU."""
    return normalised(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), outputs)


def repeated(channels: int, count: int) -> list[nn.Sequential]:
    """Return `count` convolutions that keep the number of channels."""
    return [convolution(channels, channels) for _ in range(count)]


def enlargement(inputs: int, outputs: int) -> nn.Sequential:
    """Return a transposed convolution that doubles the size, normalised, with its ReLU."""
    layer = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return normalised(layer, outputs)


def normalised(layer: nn.Module, channels: int) -> nn.Sequential:
    """Put batch normalisation and a ReLU behind a layer."""
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
