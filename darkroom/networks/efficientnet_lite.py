"""The way down of EfficientNet-Lite, with its normalisations folded into the convolutions.

Tan, Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", in the
Lite form that Google published in 2020: ReLU6 everywhere, no squeeze-and-excitation, and first and
last stages that do not grow. Its weights for ImageNet know what sky, leaves and walls look like.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

SCALES = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}  # of width and depth, by variant
STEM = 32
STAGES = (  # blocks, kernel, stride, times wider inside, channels out
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
LEVELS = ((0,), (1,), (2,), (3, 4), (5, 6))  # stages at 1/2, 1/4, ... 1/32 of the size
MULTIPLE_OF = 32


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow's "same" does: with a stride of 2, less on the left."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, h, w) of even sizes."""
        spare = self.kernel_size[0] - self.stride[0]
        before, after = spare // 2, spare - spare // 2
        padded = F.pad(x, (before, after, before, after))
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


class InvertedResidual(nn.Module):
    """Wider by a 1x1 convolution, each channel filtered, narrower by another 1x1 convolution.

    Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks".
    """

    def __init__(self, inside: int, outside: int, *, kernel: int, stride: int, wider: int) -> None:
        super().__init__()
        wide = inside * wider
        self.expand = nn.Conv2d(inside, wide, 1) if wider > 1 else nn.Identity()
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = nn.Conv2d(wide, outside, 1)
        self.is_residual = stride == 1 and inside == outside
        self.widens = wider > 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, inside, h, w) -> (N, outside, h / stride, w / stride)."""
        wide = F.relu6(self.expand(x)) if self.widens else x
        narrow: Tensor = self.project(F.relu6(self.depthwise(wide)))
        return x + narrow if self.is_residual else narrow


class EfficientNetLite(nn.Module):
    """Grey light (N, 1, h, w), coded 0..1, in; features at 1/2, 1/4, 1/8, 1/16 and 1/32 out.

    Args:
        variant: 0, 1 or 2 of the published ones.

    Attributes:
        widths: channels of the five levels.

    Raises:
        ValueError: there is no such variant here.
    """

    def __init__(self, variant: int = 0) -> None:
        super().__init__()
        if variant not in SCALES:
            raise ValueError(f"variant must be 0, 1 or 2, not {variant}")
        width, depth = SCALES[variant]
        self.stem = SameConv(1, STEM, 3, 2)
        stages, before = [], STEM
        for number, (blocks, kernel, stride, wider, channels) in enumerate(STAGES):
            inner = 0 < number < len(STAGES) - 1
            after = multiple_of_8(channels * width)
            more = (math.ceil(blocks * depth) if inner else blocks) - 1
            steps = [(before, stride), *[(after, 1)] * more]
            stages.append(
                nn.Sequential(
                    *[
                        InvertedResidual(inside, after, kernel=kernel, stride=step, wider=wider)
                        for inside, step in steps
                    ]
                )
            )
            before = after
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(multiple_of_8(STAGES[numbers[-1]][-1] * width) for numbers in LEVELS)

    def forward(self, grey: Tensor) -> list[Tensor]:
        """Return the features of the five levels, finest first; sizes must divide by 32."""
        x = F.relu6(self.stem(grey * (255 / 128) - 127 / 128))
        levels = []
        for numbers in LEVELS:
            for number in numbers:
                x = self.stages[number](x)
            levels.append(x)
        return levels


def multiple_of_8(channels: float) -> int:
    """Return the multiple of 8 nearest to a number of channels, not below nine tenths of it."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near
