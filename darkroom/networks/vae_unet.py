"""A U-Net and, in parallel, a variational autoencoder for tone and colour.

After Dhiman 2024, "Enhancing Underexposed Images Using U-Net and Deep Learning Technique",
section 6. The autoencoder (Kingma & Welling 2014, "Auto-Encoding Variational Bayes", arXiv
1312.6114) sees the planes averaged over cells of 8x8 packed pixels, where hardly any noise is left.
It describes them by a small picture of latent numbers z, of which it gives mean and log variance,
and decodes those to a coarse picture: the square root of the light of each cell. That is
interpolated and joined to the U-Net's picture by one convolution, which at first passes the U-Net's
picture alone.

In training z is drawn (their equation 4, z = mean + deviation * noise), otherwise it is the mean,
so that a trained network gives the same picture every time. `penalty` is what must be added to
the loss on the picture: the negative evidence lower bound (their equations 7 and 10).

What differs from the paper it follows: that trains the autoencoder on well-exposed pictures and
feeds it pictures. Here it learns, together with the U-Net, the tone of the long exposure from the
short one, so that one network does both and nothing but RAW planes is needed to run it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.networks.fast_unet import BRIGHTEST, starts_at_zero
from darkroom.networks.padding import pad_to_multiple
from darkroom.networks.unet import LEAK, UNet, aligned, light, reach

CELL = 8  # packed pixels of a coarse one: an average of 64 has an eighth of the noise
LATENT_CELL = 2 * CELL  # packed pixels of a latent one
DEVIATION = 0.05  # of what a coarse picture may leave open: 13 of 255 steps on a display
MOST_LOG_VARIANCE = 10.0  # its exponential stays a number, whatever the planes
FIRST_LOG_VARIANCE = -6.0  # of z: drawn as wide as a standard normal, it would hide all signal
JOIN_BYTES = 4 * 4 * (3 + 3 + 6 + 3 + 3)  # two pictures, both beside, joined, as light
DARKEST = 1e-6  # keeps the slope of a square root finite


@dataclass(frozen=True)
class Tone:
    """What the autoencoder says of a picture.

    Attributes:
        mean: (N, latent, h/16, w/16) of z; `log_variance` likewise.
        coarse: (N, 3, h/8, w/8), decoded from z: roots of light.
    """

    mean: Tensor
    log_variance: Tensor
    coarse: Tensor


class ToneAutoencoder(nn.Module):
    """A convolutional variational autoencoder from planes to a coarse picture.

    It runs in float32 under autocast too: coarse steps of tone are what one sees first, and its
    share of the work is small.

    Args:
        width: channels at the coarse picture's size; twice as many at the latent one's.
        latent: latent numbers of each cell of 16x16 packed pixels.
    """

    def __init__(self, width: int, latent: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(4, width, 3, padding=1),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(width, 2 * width, 2, stride=2),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(2 * width, 2 * latent, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(latent, 2 * width, 3, padding=1),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.LeakyReLU(LEAK),
            nn.ConvTranspose2d(2 * width, width, 2, stride=2),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(width, 3, 3, padding=1),
        )
        self.apply(keep_scale)
        with torch.no_grad():
            self.get_parameter("encoder.6.bias")[latent:] = FIRST_LOG_VARIANCE

    def forward(self, planes: Tensor) -> Tone:
        """Describe planes (N, 4, h, w) whose sizes divide by 16."""
        cells = F.avg_pool2d(planes.float(), CELL).clamp(0, BRIGHTEST)
        with torch.autocast(planes.device.type, enabled=False):
            mean, log_variance = self.encoder((cells + DARKEST).sqrt()).chunk(2, 1)
            log_variance = log_variance.clamp(-MOST_LOG_VARIANCE, MOST_LOG_VARIANCE)
            latent = drawn(mean, log_variance) if self.training else mean
            return Tone(mean, log_variance, self.decoder(latent))


class VaeUNet(nn.Module):
    """Packed planes (N, 4, h, w) in, picture (N, 3, 2h, 2w) out.

    `unet` has the weights of a `UNet` of this width and these levels, under the same names.

    Args:
        width: channels of the U-Net's first level; each of the `levels` below doubles them.
        levels: number of its levels, the bottom one included; 1 to 7.
        tone_width: channels of the autoencoder.
        latent: latent numbers of each cell of 16x16 packed pixels.
        root: whether the joined picture is the square root of light; see `UNet`.

    Raises:
        ValueError: there are no or too many levels.
    """

    def __init__(
        self,
        width: int = 32,
        levels: int = 5,
        *,
        tone_width: int = 32,
        latent: int = 8,
        root: bool = False,
    ) -> None:
        super().__init__()
        self.root = root
        self.unet = UNet(width, levels)
        self.vae = ToneAutoencoder(tone_width, latent)
        self.head = passes_first(nn.Conv2d(2 * 3, 3, 3, padding=1))
        self.multiple_of = max(self.unet.multiple_of, LATENT_CELL)
        self.halo = halo(levels)
        self.bytes_per_pixel = max(self.unet.bytes_per_pixel, JOIN_BYTES) + tone_width
        self.tone: Tone | None = None

    def forward(self, planes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Turn amplified planes into a picture; the noise level is not used by this network."""
        rows, columns = planes.shape[-2:]
        planes = pad_to_multiple(planes, self.multiple_of)
        tone = self.vae(planes)
        self.tone = tone if self.training else None
        fine = self.unet(planes)
        with torch.autocast(planes.device.type, enabled=False):
            coarse = F.interpolate(tone.coarse, scale_factor=2 * CELL, mode="bilinear")
            picture = self.head(torch.cat([fine, coarse], 1))
        return light(picture, root=self.root)[..., : 2 * rows, : 2 * columns]

    def penalty(self, truth_linear: Tensor) -> Tensor:
        """Return what the last forward pass in training mode adds to the loss; it is used up.

        With a Gaussian of deviation s on the n coarse numbers of a picture, the negative evidence
        lower bound is sum(error**2) / (2 s**2) + KL, up to a constant. This is 2 s**2 / n times
        that: a mean squared error, so of the size of the picture's own loss and smaller the
        better it fits, plus the divergence weighed by what `DEVIATION` leaves open.

        Args:
            truth_linear: (N, 3, 2h, 2w), white-balanced linear camera RGB, also where the picture
                itself is sRGB: tone and colour then only need the last convolution.

        Raises:
            RuntimeError: there was no such pass.
        """
        if self.tone is None:
            raise RuntimeError("penalty needs a forward pass in training mode before it")
        tone, self.tone = self.tone, None
        light_of_cells = F.avg_pool2d(truth_linear.float(), 2 * CELL, ceil_mode=True)
        truth = light_of_cells.clamp(min=0).sqrt()
        error = (tone.coarse[..., : truth.shape[-2], : truth.shape[-1]] - truth).square().mean()
        return error + 2 * DEVIATION**2 * divergence(tone) / tone.coarse.numel()


def penalty_of(network: nn.Module, truth_linear: Tensor) -> Tensor | None:
    """Return `VaeUNet.penalty`, or None for a network without such a term."""
    return network.penalty(truth_linear) if isinstance(network, VaeUNet) else None


def keep_scale(module: nn.Module) -> None:
    """Let a convolution pass signals on at their size (He et al. 2015).

    With torch's own weights they fade, and the decoder learns to do without z before z says much.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
        nn.init.kaiming_normal_(module.weight, LEAK)
        nn.init.zeros_(module.bias)


def drawn(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Draw z so that gradients reach its mean and variance (Kingma & Welling, equation 4).

    The noise comes from torch's generator of the CPU on any device: one state resumes a run.
    """
    noise = torch.randn(mean.shape).to(mean.device)
    return mean + (log_variance / 2).exp() * noise


def divergence(tone: Tone) -> Tensor:
    """Return the Kullback-Leibler divergence of z from a standard normal (equation 10), summed."""
    mean, log_variance = tone.mean, tone.log_variance
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2


def passes_first(join: nn.Conv2d) -> nn.Conv2d:
    """Let a convolution of two pictures return the first one until it has learned to join."""
    starts_at_zero(join)
    nn.init.dirac_(join.weight)
    return join


def halo(levels: int) -> int:
    """Return how far, in packed pixels, one output pixel can look, rounded up to the alignment.

    The autoencoder reaches two convolutions of coarse and four of latent pixels, one coarse pixel
    by interpolation, and its walk down and up; the joining convolution adds one pixel to both.

    >>> halo(5)
    112
    """
    tone = 2 * CELL + 4 * LATENT_CELL + CELL + (LATENT_CELL - 1)
    return aligned(max(reach(levels), tone) + 1, max(1 << (levels - 1), LATENT_CELL))
